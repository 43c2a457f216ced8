// What is around the game: camera, parallax, colours, the line of scores.
#include "game.h"

enum { CAMERA_LEAD = 136, EXTRA_LIFE_RINGS = 100 };

s16 camera;
static s16 scrolls[SCREEN_HEIGHT];  // How far each line of the background is shifted.
static u16 ring_clock;

static const struct zone *this_zone(void) {
    return zones + V_ZONE;
}

// ---- tiles and colours --------------------------------------------------------------------------

void zone_load(void) {
    const struct zone *zone = this_zone();
    upload(GROUND_TILE * 32, zone->ground_tiles, NUM_BLOCKS * 4 * 16);
    upload(SKY_TILE * 32, zone->sky_tiles, zone->num_sky_tiles * 16);
    to_vram(PLANE_B);
    for (u16 i = 0; i < 28 * 64; i++) VIDEO_DATA = LINE_SKY | (SKY_TILE + zone->sky_map[i]);
}

// Only the hero and the letters are left.
void palettes_dark(void) {
    colours(0, 0, 32);
    colours(hero_palette, 32, 16);
    colours(0, 48, 16);
}

void palettes_bright(void) {
    const struct zone *zone = this_zone();
    colours(zone->palettes, 0, 32);
    colours(zone->palettes + 32, 48, 16);
}

// ---- scrolling ----------------------------------------------------------------------------------

void camera_follow(void) {
    s16 wanted = WHOLE(hero.x) - CAMERA_LEAD, last = (s16)V_SCREEN_X_END;
    camera = wanted < 0 ? 0 : wanted > last ? last : wanted;
    V_SCREEN_X = camera;
    V_SCREEN_Y = 0;
}

// Each band of the background moves at its own speed. A band may be a plain seen from above, whose
// nearer lines move faster; no band's picture reaches into the next.
void parallax(s16 distance) {
    s16 *scroll = scrolls, line = 0;
    for (const struct band *band = this_zone()->bands; line < SCREEN_HEIGHT; band++) {
        s32 shift = -product(distance, band->speed) * 256;
        s32 gain = -product(distance, band->gain) * 256;
        for (; line < band->end; line++, shift += gain) *scroll++ = WHOLE(shift);
    }
}

void parallax_show(void) {
    show_scrolls(-camera, scrolls);
}

// Four pictures of a ring take turns in the tiles that all rings of the map share.
void rings_turn(void) {
    ring_clock++;
    if (ring_clock & 7) return;
    u16 turn = (ring_clock >> 3) & 3;
    upload((GROUND_TILE + RING * 4) * 32, ring_tiles + turn * 64, 64);
}

// ---- scores -------------------------------------------------------------------------------------

void digits(char *text, u32 value, u16 count) {
    static const u32 powers[] = {1, 10, 100, 1000, 10000, 100000};
    while (count--) {
        char digit = '0';
        for (; value >= powers[count] && digit < '9'; digit++) value -= powers[count];
        *text++ = digit;
    }
    *text = 0;
}

enum { NUM_FIELDS = 7 };
static u32 shown[NUM_FIELDS];

void hud_start(void) {
    for (u16 i = 0; i < NUM_FIELDS; i++) shown[i] = ~0u;
    fill(WINDOW, 0, 3 * 64);
    print(WINDOW, 1, 1, "SCORE   TIME   RINGS   ACT   LIVES");
    print(WINDOW, 10, 2, ":");
    print(WINDOW, 25, 2, "-");
}

// Writes a number only when it has changed, since every frame has little time for that.
static void show(u16 field, u16 column, u32 value, u16 count) {
    char text[8];
    if (shown[field] == value) return;
    shown[field] = value;
    digits(text, value, count);
    print(WINDOW, column, 2, text);
}

void hud_show(void) {
    show(0, 1, V_SCORE, 6);
    show(1, 9, V_MINUTES, 1);
    show(2, 11, V_SECONDS, 2);
    show(3, 16, V_RINGS, 3);
    show(4, 24, V_ZONE + 1, 1);
    show(5, 26, V_ACT + 1, 1);
    show(6, 30, V_LIVES, 2);
}

void add_score(u16 points) {
    V_SCORE += points;
    if (V_SCORE > 999999) V_SCORE = 999999;
}

void add_ring(void) {
    add_score(10);
    sound_play(E_RING);
    if (V_RINGS == 999) return;
    V_RINGS++;
    if (V_RINGS == EXTRA_LIFE_RINGS && V_LIVES < 99) V_LIVES++;
}
