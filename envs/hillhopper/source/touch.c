// What the hero touches: rings, spikes, springs, posts; harm and death.
#include "game.h"

enum { SAFE_FRAMES = 120 };

#define SPRING_SPEED PIXELS(8)

static void touch_block(s16 x, s16 y) {
    switch (block_at(x, y)) {
    case RING:
        block_set(x, y, EMPTY);
        spark((x & ~15) + 8, (y & ~15) + 8, 0, 0, SPARK_PUFF);
        add_ring();
        break;
    case SPIKES:
        if ((y & 15) > 5 && hero.vy >= 0) hero_hurt(hero.left ? x - 1 : x + 1);
        break;
    case SPRING:
        if ((y & 15) > 4 && hero.vy >= 0) {
            hero.vy = -SPRING_SPEED;
            hero.grounded = hero.ride = hero.coyote = 0;
            hero.ball = 1;
            sound_play(E_SPRING);
        }
    }
}

void hero_touch(void) {
    s16 x = WHOLE(hero.x), y = WHOLE(hero.y);
    touch_block(x, y - 2);
    touch_block(x - 6, y - 9);
    touch_block(x + 6, y - 9);
    touch_block(x, y - 20);
}

void hero_pass_posts(void) {
    const struct act *act = this_act();
    if (checkpoint >= act->num_checkpoints) return;
    if (WHOLE(hero.x) < act->checkpoints[checkpoint].x) return;
    block_set(act->checkpoints[checkpoint].x, act->checkpoints[checkpoint].y - 24, POST_LIT);
    checkpoint++;
    sound_play(E_CHECKPOINT);
}

// Without rings this is a death; with rings they are lost.
void hero_hurt(s16 from_x) {
    static const s16 scatter[] = {-3, -2, -1, 1, 2, 3};
    if (hero.safe || V_MODE != PLAY) return;
    if (!V_RINGS) {
        hero_die();
        return;
    }
    for (u16 i = 0; i < 6 && i < V_RINGS; i++) {
        s32 rise = (i & 1) ? PIXELS(4) : PIXELS(5);
        spark(WHOLE(hero.x), WHOLE(hero.y) - 12, PIXELS(scatter[i]) / 2, -rise, SPARK_RING);
    }
    V_RINGS = 0;
    hero.vx = from_x > WHOLE(hero.x) ? -PIXELS(2) : PIXELS(2);
    hero.vy = -PIXELS(4);
    hero.grounded = hero.ball = hero.ride = hero.coyote = hero.buffered = 0;
    hero.hurt = 1;
    hero.safe = SAFE_FRAMES;
    sound_play(E_HURT);
}

// The life is lost now, not when the animation is over: agents watch `lives`.
void hero_die(void) {
    if (V_MODE != PLAY) return;
    V_MODE = DYING;
    V_LIVES--;
    hero.vx = 0;
    hero.vy = -PIXELS(6);
    hero.ball = hero.grounded = hero.ride = 0;
    sound_play(E_DIE);
}
