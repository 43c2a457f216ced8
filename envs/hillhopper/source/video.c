// The video chip: memory, sprites and text; the pads.
#include "game.h"

#define DATA_LONG (*(volatile u32 *)0xC00000)
#define CONTROL (*(volatile u16 *)0xC00004)
#define CONTROL_LONG (*(volatile u32 *)0xC00004)
#define PAD_DATA (*(volatile u8 *)0xA10003)
#define PAD_CONTROL (*(volatile u8 *)0xA10009)

enum { MAX_SPRITES = 80 };

volatile u16 blanks;
u8 held, pressed;
static u16 sprite_list[MAX_SPRITES * 4];
static u16 num_sprites;

static void set_register(u8 number, u8 value) {
    CONTROL = 0x8000 | number << 8 | value;
}

void to_vram(u16 address) {
    CONTROL_LONG = 0x40000000u | (u32)(address & 0x3FFF) << 16 | address >> 14;
}

void upload(u16 address, const u16 *words, u16 count) {
    to_vram(address);
    while (count--) VIDEO_DATA = *words++;
}

void fill(u16 address, u16 word, u16 count) {
    to_vram(address);
    while (count--) VIDEO_DATA = word;
}

void colours(const u16 *palette, u16 first, u16 count) {
    CONTROL_LONG = 0xC0000000u | (u32)(first * 2) << 16;
    while (count--) VIDEO_DATA = palette ? *palette++ : 0;
}

// The shifts of all lines: the same for plane A, one by one for plane B.
void show_scrolls(s16 plane_a, const s16 *plane_b) {
    u32 both = (u32)(u16)plane_a << 16;
    to_vram(SCROLLS);
    for (u16 line = 0; line < SCREEN_HEIGHT; line++) DATA_LONG = both | (u16)*plane_b++;
}

// The next words go below each other instead of beside each other.
void write_down_columns(u8 yes) {
    set_register(15, yes ? 128 : 2);
}

// Memory is written several times faster while nothing is displayed.
void display(u8 on) {
    set_register(1, on ? 0x74 : 0x34);
}

void video_start(void) {
    static const u8 registers[] = {
        0x04, 0x34, PLANE_A >> 10, WINDOW >> 10, PLANE_B >> 13, SPRITES >> 9,
        0, 0, 0, 0, 0xFF, 0x03,  // Scroll every line on its own, all planes as a whole down.
        0x81, SCROLLS >> 10, 0, 2, 0x01, 0, 3,  // 320 pixels; planes 512 x 256; a window on top.
    };
    for (u16 i = 0; i < sizeof registers; i++) set_register(i, registers[i]);
    PAD_CONTROL = 0x40;
    fill(0, 0, 0x8000);
    CONTROL_LONG = 0x40000010u;  // No vertical scroll.
    DATA_LONG = 0;
    display(1);
}

void wait_frame(void) {
    u16 now = blanks;
    while (now == blanks) {}
}

void read_pad(void) {
    u8 before = held, first, second;
    PAD_DATA = 0x40;
    __asm__ volatile("nop\n\tnop\n\tnop");
    first = PAD_DATA;  // Arrows, B, C.
    PAD_DATA = 0;
    __asm__ volatile("nop\n\tnop\n\tnop");
    second = PAD_DATA;  // A, Start.
    PAD_DATA = 0x40;
    held = ~((first & 0x3F) | (second & 0x30) << 2);
    pressed = held & ~before;
}

// ---- sprites: a list in the RAM, copied during the blank ----------------------------------------

void sprites_clear(void) {
    num_sprites = 0;
}

// What comes first is in front.
void sprite(s16 x, s16 y, u16 attributes, u8 size) {
    if (num_sprites >= MAX_SPRITES || x <= -32 || x >= SCREEN_WIDTH) return;
    if (y <= -32 || y >= SCREEN_HEIGHT) return;
    u16 *entry = sprite_list + num_sprites * 4;
    num_sprites++;
    entry[0] = y + 128;
    entry[1] = size << 8 | num_sprites;  // The next one in the list.
    entry[2] = attributes;
    entry[3] = x + 128;
}

void sprites_show(void) {
    if (!num_sprites) {
        fill(SPRITES, 0, 4);
        return;
    }
    sprite_list[num_sprites * 4 - 3] &= 0xFF00;  // The end of the list.
    upload(SPRITES, sprite_list, num_sprites * 4);
}

// ---- text: as sprites over the game, or as blocks of a plane ------------------------------------

static u16 glyph(char letter) {
    return LINE_HERO | IN_FRONT | (FONT_TILE + letter - ' ');
}

void say(s16 x, s16 y, const char *text) {
    for (; *text; text++, x += 8) {
        if (*text != ' ') sprite(x, y, glyph(*text), SIZE(1, 1));
    }
}

void print(u16 plane, s16 column, s16 row, const char *text) {
    to_vram(plane + (row * 64 + column) * 2);
    while (*text) VIDEO_DATA = glyph(*text++);
}

// GCC calls this to clear structures.
void *memset(void *start, int byte, unsigned long count) {
    u8 *place = start;
    while (count--) *place++ = byte;
    return start;
}
