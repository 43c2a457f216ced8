// Sound effects on the first channel of the PSG.
#include "game.h"

#define PSG (*(volatile u8 *)0xC00011)

struct slide {
    u16 period, frames;
    s16 step;
};

static struct slide now;

static void tone(u8 channel, u16 period, u8 silence) {
    PSG = 0x80 | channel << 5 | (period & 15);
    PSG = (period >> 4) & 63;
    PSG = 0x90 | channel << 5 | silence;
}

// A period in units of 1 / 111,861 s, that grows by a step every frame.
void sound_play(enum effect effect) {
    static const struct slide effects[] = {
        [E_JUMP] = {300, 12, -10},
        [E_RING] = {90, 8, -3},
        [E_STOMP] = {300, 10, 30},
        [E_HURT] = {200, 20, 20},
        [E_DIE] = {250, 50, 8},
        [E_SPRING] = {400, 20, -16},
        [E_CHECKPOINT] = {140, 24, -2},
        [E_GOAL] = {240, 60, -3},
    };
    now = effects[effect];
}

void sound_frame(void) {
    if (!now.frames) return;
    now.frames--;
    now.period += now.step;
    tone(0, now.period, now.frames ? 4 : 15);
}
