// The sound chip: effects on its first channel, a tune on the two others.
#include "game.h"

#define PSG (*(volatile u8 *)0xC00011)

enum { EFFECTS, MELODY, BASS, SILENT = 15, STEP_FRAMES = 8, LONG_AGO = 100 };

struct slide {
    u16 period, frames;
    s16 step;
};

static struct slide now;
static const struct tune *tune;
static u16 step, frame, ages[3];  // Frames since a channel's note began.

// `silence` is 0 for loud to 15 for silent.
static void loudness(u8 channel, u8 silence) {
    PSG = 0x90 | channel << 5 | silence;
}

static void tone(u8 channel, u16 period, u8 silence) {
    PSG = 0x80 | channel << 5 | (period & 15);
    PSG = (period >> 4) & 63;
    loudness(channel, silence);
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

// Begins the tune of a zone; ends all music without one.
void sound_tune(const struct tune *wanted) {
    tune = wanted;
    step = frame = 0;
    loudness(MELODY, SILENT);
    loudness(BASS, SILENT);
}

// Notes fade; the longer they are held, the softer.
static void voice(u8 channel, u16 note, u16 loudest) {
    if (frame == 0 && note != NOTE_HOLD) {
        ages[channel] = 0;
        if (note == NOTE_SILENCE) ages[channel] = LONG_AGO;
        else tone(channel, note, loudest);
    }
    u16 silence = loudest + (ages[channel] >> 2);
    if (silence < SILENT) ages[channel]++;
    loudness(channel, silence < SILENT ? silence : SILENT);
}

static void tune_frame(void) {
    voice(MELODY, tune->melody[step], 6);
    voice(BASS, tune->bass[step], 8);
    if (++frame < STEP_FRAMES) return;
    frame = 0;
    if (++step == TUNE_STEPS) step = 0;
}

void sound_frame(void) {
    if (tune) tune_frame();
    if (!now.frames) return;
    now.frames--;
    now.period += now.step;
    tone(EFFECTS, now.period, now.frames ? 4 : SILENT);
}
