// The map of an act: blocks in the RAM, drawn column by column as the camera moves.
#include "game.h"

s16 columns;
u16 checkpoint;
static u8 map[MAX_COLUMNS * ROWS];
static s16 first_drawn, last_drawn;

// Nine acts lie one after the other in the ROM.
const struct act *this_act(void) {
    return acts + V_ZONE * NUM_ACTS + V_ACT;
}

static u8 *cell(s16 x, s16 y) {
    s16 column = x >> 4, row = y >> 4;
    if (column < 0 || column >= columns || row < 0 || row >= ROWS) return 0;
    return map + column * ROWS + row;
}

u8 block_at(s16 x, s16 y) {
    u8 *place = cell(x, y);
    return place ? *place : EMPTY;
}

// Both ends of an act are walls, as high as one likes.
u8 is_wall(s16 x, s16 y) {
    if (x < 0 || x >= columns << 4) return 1;
    return block_kinds[block_at(x, y)] == KIND_SOLID;
}

// The first surface at or below the block that holds (x, y), in pixels from the top.
s16 surface(s16 x, s16 y) {
    if (y < 0) y = 0;
    for (s16 row = y >> 4; row < ROWS; row++) {
        u8 height = block_heights[block_at(x, row << 4)][x & 15];
        if (height) return (row << 4) + 16 - height;
    }
    return NO_SURFACE;
}

// The left or the right half of a column: two tiles of every block, top to bottom.
static void draw_half(u16 address, const u8 *blocks, u16 first_tile) {
    to_vram(address);
    for (s16 row = 0; row < ROWS; row++) {
        u16 tile = LINE_GROUND | (first_tile + (blocks[row] << 2));
        VIDEO_DATA = tile;
        VIDEO_DATA = tile + 1;
    }
}

// A column is two tiles wide; plane A holds 32 of them and wraps around.
static void draw_column(s16 column) {
    const u8 *blocks = map + column * ROWS;
    u16 address = PLANE_A + ((column & 31) << 2);
    write_down_columns(1);
    draw_half(address, blocks, GROUND_TILE);
    draw_half(address + 2, blocks, GROUND_TILE + 2);
    write_down_columns(0);
}

// Draws what the camera will see next on both sides.
void level_stream(void) {
    s16 first = (camera >> 4) - 2, last = (camera >> 4) + 23;
    if (first < 0) first = 0;
    if (last >= columns) last = columns - 1;
    while (last_drawn < last) {
        draw_column(++last_drawn);
        if (last_drawn - first_drawn > 31) first_drawn = last_drawn - 31;
    }
    while (first_drawn > first) {
        draw_column(--first_drawn);
        if (last_drawn - first_drawn > 31) last_drawn = first_drawn + 31;
    }
}

void block_set(s16 x, s16 y, u8 block) {
    u8 *place = cell(x, y);
    s16 column = x >> 4;
    if (!place) return;
    *place = block;
    if (column >= first_drawn && column <= last_drawn) draw_column(column);
}

// Copies the map, with the passed checkpoints lit, and draws what the camera sees.
void level_load(void) {
    const struct act *act = this_act();
    columns = act->columns;
    for (s16 i = 0; i < columns * ROWS; i++) map[i] = act->map[i];
    first_drawn = camera >> 4;
    last_drawn = first_drawn - 1;
    for (u16 i = 0; i < checkpoint; i++) {
        block_set(act->checkpoints[i].x, act->checkpoints[i].y - 24, POST_LIT);
    }
    level_stream();
}
