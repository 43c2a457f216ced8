// The course of a game: title, nine acts, the end.
#include "game.h"

enum {
    ALL_ACTS = 9,
    CARD_FRAMES = 70,
    DYING_FRAMES = 80,
    CLEARED_FRAMES = 170,
    GAME_OVER_FRAMES = 240,
    ENDING_FRAMES = 900,
    HORIZON = 208,  // Where the hero runs on the title screen.
};

static u16 clock;
static u8 paused;

// All that goes to the video chip goes in the blank; then the buttons of this frame are read.
static void next_frame(void) {
    wait_frame();
    sprites_show();
    parallax_show();
    sprites_clear();
    sound_frame();
    read_pad();
    clock++;
}

static void go_to(u8 mode) {
    V_MODE = mode;
    clock = 0;
}

// ---- title and ending: the hero runs through the first zone -------------------------------------

static void scene_load(void) {
    V_ZONE = V_ACT = 0;
    camera = 0;
    display(0);
    zone_load();
    fill(PLANE_A, 0, 64 * 32);
    fill(WINDOW, 0, 3 * 64);
    upload(GROUND_TILE * 32, logo_tiles, NUM_LOGO_TILES * 16);
    for (u16 row = 0; row < LOGO_HEIGHT; row++) {
        to_vram(PLANE_A + ((row + 5) * 64 + 20 - LOGO_WIDTH / 2) * 2);
        for (u16 column = 0; column < LOGO_WIDTH; column++) {
            VIDEO_DATA = LINE_HERO | (GROUND_TILE + logo_map[row * LOGO_WIDTH + column]);
        }
    }
    hero_place(0, HORIZON);
    sound_tune(zones[0].tune);
    palettes_bright();
    display(1);
}

static void scene_frame(void) {
    next_frame();
    parallax(clock * 4);
    hero.vx = PIXELS(4);
    hero.x = PIXELS(SCREEN_WIDTH / 2);
    hero_draw();
}

static u8 chosen_act(u8 choice) {
    if (pressed & LEFT) choice = choice ? choice - 1 : ALL_ACTS - 1;
    if (pressed & RIGHT) choice = choice == ALL_ACTS - 1 ? 0 : choice + 1;
    return choice;
}

static void title(void) {
    u8 choice = 0;
    go_to(TITLE);
    scene_load();
    do {
        scene_frame();
        choice = chosen_act(choice);
        if (clock & 32) say(116, 128, "PRESS START");
        if (choice) {
            say(132, 144, "ACT");
            sprite(164, 144, LINE_HERO | IN_FRONT | (FONT_TILE + '1' - ' ' + choice), SIZE(1, 1));
        }
    } while (!(pressed & START));
    for (; choice >= NUM_ACTS; choice -= NUM_ACTS) V_ZONE++;
    V_ACT = choice;
    V_LIVES = 3;
    V_SCORE = 0;
}

static void ending(void) {
    char score[8];
    go_to(ENDING);
    digits(score, V_SCORE, 6);
    scene_load();
    do {
        scene_frame();
        say(76, 112, "ALL NINE ACTS CLEARED");
        say(112, 128, "SCORE");
        say(160, 128, score);
        if (clock > 120) say(76, 148, "THANK YOU FOR PLAYING");
    } while (clock < ENDING_FRAMES && !(clock > 60 && (pressed & START)));
}

// ---- an act -------------------------------------------------------------------------------------

// Puts the hero at the start or at the last checkpoint.
static void place_all(void) {
    const struct act *act = this_act();
    const struct point *start = checkpoint ? act->checkpoints + checkpoint - 1 : &act->start;
    V_RINGS = 0;
    hero_place(start->x, start->y);
    V_SCREEN_X_END = (act->columns << 4) - SCREEN_WIDTH;
    camera_follow();
    level_load();
    actors_load();
    V_X = start->x;
    V_Y = start->y;
}

// Zone and act in letters on black, while the colours of the planes wait.
static void card(void) {
    go_to(CARD);
    V_LEVEL_END_BONUS = 0;
    palettes_dark();
    sprites_clear();
    display(0);
    zone_load();
    hud_start();
    place_all();
    parallax(camera);
    display(1);
    while (clock < CARD_FRAMES) {
        next_frame();
        hud_show();
        say(116, 88, zones[V_ZONE].name);
        say(116, 104, "ACT");
        sprite(148, 104, LINE_HERO | IN_FRONT | (FONT_TILE + '1' - ' ' + V_ACT), SIZE(1, 1));
    }
    wait_frame();
    palettes_bright();
    go_to(PLAY);
}

static void begin_act(void) {
    checkpoint = paused = 0;
    sound_tune(zones[V_ZONE].tune);
    V_MINUTES = V_SECONDS = V_FRAMES = 0;
    card();
}

static void tick(void) {
    if (++V_FRAMES < 60) return;
    V_FRAMES = 0;
    if (V_SECONDS == 59 && V_MINUTES == 9) return;
    if (++V_SECONDS < 60) return;
    V_SECONDS = 0;
    V_MINUTES++;
}

static void clear_act(void) {
    go_to(CLEARED);
    V_LEVEL_END_BONUS = 1;
    add_score(1000);
    if (!V_MINUTES) add_score((60 - V_SECONDS) * 50);
    for (u16 i = 0; i < V_RINGS; i++) add_score(20);
    block_set(this_act()->goal + 16, this_act()->goal_y - 40, FLAG_LIT);
    sound_play(E_GOAL);
}

static void play(void) {
    if (pressed & START) paused ^= 1;
    if (paused) {
        say(140, 96, "PAUSE");
        return;
    }
    tick();
    actors_move();
    hero_play();
    if (V_MODE == PLAY && WHOLE(hero.x) >= this_act()->goal) clear_act();
    if (V_MODE == DYING) clock = 0;
}

// Whether there is another act.
static u8 next_act(void) {
    V_ACT++;
    if (V_ACT == NUM_ACTS) {
        V_ACT = 0;
        V_ZONE++;
    }
    return V_ZONE < NUM_ZONES;
}

static void after_death(void) {
    hero_fall_out();
    if (clock < DYING_FRAMES) return;
    if (V_LIVES) card();
    else go_to(GAME_OVER);
    sound_tune(V_LIVES ? zones[V_ZONE].tune : 0);
}

static void after_goal(void) {
    say(116, 56, "ACT CLEARED");
    actors_move();
    hero_run_away();
    if (clock < CLEARED_FRAMES) return;
    if (next_act()) begin_act();
    else ending();
}

static void act_frame(void) {
    next_frame();
    level_stream();
    rings_turn();
    hud_show();
    switch (V_MODE) {
    case PLAY:
        play();
        break;
    case DYING:
        after_death();
        break;
    case CLEARED:
        after_goal();
        break;
    case GAME_OVER:
        say(124, 96, "GAME OVER");
    }
    camera_follow();
    V_X = WHOLE(hero.x);
    V_Y = WHOLE(hero.y);
    parallax(camera);
    hero_draw();
    actors_draw();
}

static u8 is_over(void) {
    if (V_MODE == ENDING) return 1;
    return V_MODE == GAME_OVER && (clock >= GAME_OVER_FRAMES || (clock > 30 && (pressed & START)));
}

int main(void) {
    video_start();
    upload(FONT_TILE * 32, font_tiles, NUM_FONT_TILES * 16);
    upload(FIGURE_TILE * 32, figure_tiles, NUM_FIGURE_TILES * 16);
    palettes_dark();
    __asm__ volatile("move.w #0x2000, %sr");
    for (;;) {
        title();
        begin_act();
        while (!is_over()) act_frame();
    }
}
