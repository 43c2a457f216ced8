// HillHopper: types, hardware, the variables that agents read, and what the files share.
#ifndef GAME_H
#define GAME_H

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef short s16;
typedef unsigned int u32;
typedef int s32;

#include "assets.h"

// Positions and speeds are 16.16 fixed point. Other splits are a trap: GCC makes a narrowing
// like (s16)(x >> 8) a word access at an odd address, which a 68000 cannot do.
#define PIXELS(n) ((s32)((n) * 65536))
#define WHOLE(fixed) ((s16)((fixed) >> 16))

// What a 68000 multiplies in one instruction; GCC would rather call a function of its library.
static inline s32 product(s16 a, s16 b) {
    s32 result = a;
    __asm__("muls.w %1, %0" : "+d"(result) : "d"(b));
    return result;
}

// ---- the variables of data.json, where Sonic the Hedgehog keeps the same ------------------------
#define V_X (*(volatile s16 *)0xFFD008)
#define V_Y (*(volatile u16 *)0xFFD00C)
#define V_MODE (*(volatile u8 *)0xFFF600)
#define V_SCREEN_X (*(volatile u16 *)0xFFF700)
#define V_SCREEN_Y (*(volatile u16 *)0xFFF704)
#define V_SCREEN_X_END (*(volatile u16 *)0xFFF72A)
#define V_LEVEL_END_BONUS (*(volatile u8 *)0xFFF7D6)
#define V_ZONE (*(volatile u8 *)0xFFFE10)
#define V_ACT (*(volatile u8 *)0xFFFE11)
#define V_LIVES (*(volatile u8 *)0xFFFE12)
#define V_RINGS (*(volatile u16 *)0xFFFE20)
#define V_MINUTES (*(volatile u8 *)0xFFFE23)
#define V_SECONDS (*(volatile u8 *)0xFFFE24)
#define V_FRAMES (*(volatile u8 *)0xFFFE25)
#define V_SCORE (*(volatile u32 *)0xFFFE26)

enum mode { TITLE, CARD, PLAY, DYING, CLEARED, GAME_OVER, ENDING };

enum {
    ROWS = 14,           // Blocks of 16 x 16 pixels from the top to the bottom of the screen.
    MAX_COLUMNS = 480,
    MAX_ACTORS = 40,
    SCREEN_WIDTH = 320,
    SCREEN_HEIGHT = 224,
    NUM_ACTS = 3,        // Per zone.
};

enum { UP = 1, DOWN = 2, LEFT = 4, RIGHT = 8, BUTTON_B = 16, BUTTON_C = 32, BUTTON_A = 64, START = 128 };
enum { JUMP = BUTTON_A | BUTTON_B | BUTTON_C };

// ---- video.c: the video chip and the pads -------------------------------------------------------
enum { PLANE_A = 0xC000, WINDOW = 0xD000, PLANE_B = 0xE000, SPRITES = 0xF000, SCROLLS = 0xF400 };
enum { LINE_GROUND = 0x0000, LINE_SKY = 0x2000, LINE_HERO = 0x4000, LINE_ACTORS = 0x6000 };
enum { MIRRORED = 0x0800, UPSIDE_DOWN = 0x1000, IN_FRONT = 0x8000 };
#define SIZE(width, height) (((width) - 1) << 2 | ((height) - 1))

#define VIDEO_DATA (*(volatile u16 *)0xC00000)

extern volatile u16 blanks;
extern u8 held, pressed;

void video_start(void);
void display(u8 on);
void wait_frame(void);
void read_pad(void);
void to_vram(u16 address);
void upload(u16 address, const u16 *words, u16 count);
void fill(u16 address, u16 word, u16 count);
void colours(const u16 *palette, u16 first, u16 count);
void write_down_columns(u8 yes);
void show_scrolls(s16 plane_a, const s16 *plane_b);
void sprites_clear(void);
void sprite(s16 x, s16 y, u16 attributes, u8 size);
void sprites_show(void);
void say(s16 x, s16 y, const char *text);
void print(u16 plane, s16 column, s16 row, const char *text);

// ---- level.c: the map and what the hero can stand on --------------------------------------------
extern s16 columns;
extern u16 checkpoint;  // 1 + the number of the last checkpoint, or 0.

const struct act *this_act(void);
void level_load(void);
void level_stream(void);
u8 block_at(s16 x, s16 y);
void block_set(s16 x, s16 y, u8 block);
u8 is_wall(s16 x, s16 y);
s16 surface(s16 x, s16 y);
enum { NO_SURFACE = 1000 };

// ---- hero.c -------------------------------------------------------------------------------------
struct hero {
    s32 x, y;            // The middle of the feet.
    s32 vx, vy;
    s16 ride;            // 1 + the number of the platform below, or 0.
    u8 grounded, ball, left, hurt;
    u8 safe;             // Frames during which nothing hurts.
    u8 buffered, coyote; // Frames since which a jump was asked for, or the ground was left.
    u16 stride;
};
extern struct hero hero;

void hero_place(s16 x, s16 y);
void hero_play(void);
void hero_fall_out(void);
void hero_run_away(void);
void hero_draw(void);

// ---- touch.c -----------------------------------------------------------------------------------
void hero_touch(void);
void hero_pass_posts(void);
void hero_hurt(s16 from_x);
void hero_die(void);

// ---- actors.c: enemies, moving platforms, sparks ------------------------------------------------
void actors_load(void);
void actors_move(void);
void actors_touch(void);
void actors_draw(void);
s16 platform_below(s16 x, s16 old_y, s16 y);
void platform_carry(void);
void spark(s16 x, s16 y, s32 vx, s32 vy, u8 kind);
enum { SPARK_RING, SPARK_PUFF };

// ---- screen.c: scores, parallax, palettes -------------------------------------------------------
extern s16 camera;

void zone_load(void);
void palettes_dark(void);
void palettes_bright(void);
void camera_follow(void);
void parallax(s16 distance);
void parallax_show(void);
void hud_start(void);
void hud_show(void);
void rings_turn(void);
void add_score(u16 points);
void add_ring(void);
void digits(char *text, u32 value, u16 count);

// ---- sound.c ------------------------------------------------------------------------------------
enum effect { E_JUMP, E_RING, E_STOMP, E_HURT, E_DIE, E_SPRING, E_CHECKPOINT, E_GOAL };
void sound_play(enum effect effect);
void sound_tune(const struct tune *wanted);
void sound_frame(void);

#endif
