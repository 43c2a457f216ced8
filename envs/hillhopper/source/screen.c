// What is around the game: camera, parallax, colours, the line of scores.
#include "game.h"

enum { CAMERA_LEAD = 136, EXTRA_LIFE_RINGS = 100 };

s16 camera;
static u16 scrolls[SCREEN_HEIGHT];  // How far each line of the background is shifted.
static u16 ring_clock;

static const struct zone *this_zone(void) {
    return zones + V_ZONE;
}

// ---- tiles and colours ------------------------------------------------------------------------

void zone_load(void) {
    const struct zone *zone = this_zone();
    upload(GROUND_TILE * 32, zone->ground_tiles, NUM_BLOCKS * 4 * 16);
    upload(SKY_TILE * 32, zone->sky_tiles, zone->num_sky_tiles * 16);
    to_vram(PLANE_B);
    for (u16 i = 0; i < 28 * 64; i++) write_word(LINE_SKY | (SKY_TILE + zone->sky_map[i]));
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
    const struct band *band = this_zone()->bands;
    s16 speed = band->speed;
    for (s16 line = 0; line < SCREEN_HEIGHT; line++) {
        if (line == band->end) {
            band++;
            speed = band->speed;
        }
        scrolls[line] = -(s16)(product(distance, speed) >> 8);
        speed += band->gain;
    }
}

void parallax_show(void) {
    to_vram(SCROLLS);
    for (u16 line = 0; line < SCREEN_HEIGHT; line++) {
        write_word(-camera);
        write_word(scrolls[line]);
    }
}

// Four pictures of a ring take turns in the tiles that all rings of the map share.
void rings_turn(void) {
    ring_clock++;
    if (ring_clock & 7) return;
    u16 turn = (ring_clock >> 3) & 3;
    upload((GROUND_TILE + RING * 4) * 32, ring_tiles + turn * 64, 64);
}

// ---- scores ---------------------------------------------------------------------------------------

void digits(char *text, u32 value, u16 count) {
    static const u32 powers[] = {1, 10, 100, 1000, 10000, 100000};
    while (count--) {
        char digit = '0';
        for (; value >= powers[count] && digit < '9'; digit++) value -= powers[count];
        *text++ = digit;
    }
    *text = 0;
}

void hud_start(void) {
    fill(WINDOW, 0, 128);
    print(WINDOW, 1, 0, "SCORE   TIME   RINGS   ACT   LIVES");
}

void hud_show(void) {
    char text[8];
    digits(text, V_SCORE, 6);
    print(WINDOW, 1, 1, text);
    text[0] = '0' + V_MINUTES;
    text[1] = ':';
    digits(text + 2, V_SECONDS, 2);
    print(WINDOW, 9, 1, text);
    digits(text, V_RINGS, 3);
    print(WINDOW, 16, 1, text);
    text[0] = '1' + V_ZONE;
    text[1] = '-';
    digits(text + 2, V_ACT + 1, 1);
    print(WINDOW, 24, 1, text);
    digits(text, V_LIVES, 2);
    print(WINDOW, 30, 1, text);
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
