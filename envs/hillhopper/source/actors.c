// Enemies and moving platforms, which follow fixed paths, and sparks, which only look nice.
#include "game.h"

enum { MAX_SPARKS = 12, HALF_PLATFORM = 24 };

struct actor {
    s16 x, y;       // The middle of the feet, or of a platform's top.
    s16 from, to;   // Range of a walker or a hopper.
    s16 dx, dy;     // Movement in this frame.
    s16 clock;
    u8 kind, left;
};
struct spark {
    s32 x, y, vx, vy;
    u8 kind, frames;
};

static struct actor actors[MAX_ACTORS];
static struct spark sparks[MAX_SPARKS];
static u16 num_actors, next_spark;

// All paths begin anew, so that an act is the same at every start.
void actors_load(void) {
    const struct act *act = this_act();
    num_actors = act->num_actors;
    for (u16 i = 0; i < num_actors; i++) {
        const struct placed *placed = act->actors + i;
        actors[i] = (struct actor){
            .x = placed->x, .y = placed->y, .from = placed->x - placed->range,
            .to = placed->x + placed->range, .kind = placed->kind, .left = 1,
        };
    }
    for (u16 i = 0; i < MAX_SPARKS; i++) sparks[i].frames = 0;
}

// ---- paths --------------------------------------------------------------------------------------

// -64 ... 64, a wave of 256 frames.
static s16 wave(s16 clock) {
    return sine[clock & 255];
}

static void walk(struct actor *actor, s16 step) {
    actor->x += actor->left ? -step : step;
    if (actor->x <= actor->from) actor->left = 0;
    if (actor->x >= actor->to) actor->left = 1;
}

// Sits for 32 frames, flies for 32; `dy` is the height above the ground.
static void hop(struct actor *actor) {
    s16 phase = actor->clock & 63, height = 0;
    if (phase >= 32) {
        s16 t = phase - 48;
        height = 32 - ((t * t) >> 3);
        walk(actor, 1);
    }
    actor->y += actor->dy - height;
    actor->dy = height;
}

static void slide(struct actor *actor) {
    s16 reach = (actor->to - actor->from) >> 1;
    s16 offset = product(wave(actor->clock), reach) >> 6;
    s16 before = product(wave(actor->clock - 1), reach) >> 6;
    actor->dx = actor->dy = 0;
    if (actor->kind == LIFT) actor->dy = offset - before;
    else actor->dx = offset - before;
    actor->x += actor->dx;
    actor->y += actor->dy;
}

void actors_move(void) {
    for (struct actor *actor = actors; actor < actors + num_actors; actor++) {
        actor->clock++;
        switch (actor->kind) {
        case WALKER:
            if (actor->clock & 1) walk(actor, 1);
            break;
        case FLYER:
            actor->y += (wave(actor->clock * 2) >> 3) - (wave(actor->clock * 2 - 2) >> 3);
            walk(actor, 1);
            break;
        case HOPPER:
            hop(actor);
            break;
        case RAFT:
        case LIFT:
            slide(actor);
        }
    }
    for (struct spark *one = sparks; one < sparks + MAX_SPARKS; one++) {
        if (!one->frames) continue;
        one->frames--;
        one->x += one->vx;
        one->y += one->vy;
        if (one->kind == SPARK_RING) one->vy += PIXELS(0.2);
    }
}

// ---- platforms ----------------------------------------------------------------------------------

// 1 + the number of the platform whose top the feet cross, falling from old_y to y; or 0.
s16 platform_below(s16 x, s16 old_y, s16 y) {
    for (u16 i = 0; i < num_actors; i++) {
        const struct actor *actor = actors + i;
        if (actor->kind != RAFT && actor->kind != LIFT) continue;
        s16 away = actor->x - x;
        if (away < -HALF_PLATFORM - 4 || away > HALF_PLATFORM + 4) continue;
        if (old_y <= actor->y + 6 && y >= actor->y) {
            hero.y = PIXELS(actor->y);
            return i + 1;
        }
    }
    return 0;
}

void platform_carry(void) {
    const struct actor *actor = actors + hero.ride - 1;
    hero.x += PIXELS(actor->dx);
    hero.y = PIXELS(actor->y);
}

// ---- the hero -----------------------------------------------------------------------------------

static void defeat(struct actor *actor) {
    actor->kind = GONE;
    spark(actor->x, actor->y - 8, 0, 0, SPARK_PUFF);
    add_score(100);
    sound_play(E_STOMP);
}

// A rolled-up hero defeats an enemy, and so do feet that come down on it.
void actors_touch(void) {
    s16 x = WHOLE(hero.x), y = WHOLE(hero.y), height = hero.ball ? 20 : 26;
    for (struct actor *actor = actors; actor < actors + num_actors; actor++) {
        s16 away = actor->x - x;
        if (actor->kind > HOPPER || away < -17 || away > 17) continue;
        if (y < actor->y - 15 || y - height > actor->y - 2) continue;
        u8 from_above = !hero.grounded && hero.vy > 0 && y < actor->y - 1;
        if (hero.ball || from_above) {
            defeat(actor);
            if (from_above) hero.vy = held & JUMP ? -PIXELS(6) : -PIXELS(4);
        } else {
            hero_hurt(actor->x);
        }
    }
}

// ---- pictures -----------------------------------------------------------------------------------

void spark(s16 x, s16 y, s32 vx, s32 vy, u8 kind) {
    struct spark *one = sparks + next_spark;
    if (++next_spark == MAX_SPARKS) next_spark = 0;
    *one = (struct spark){PIXELS(x), PIXELS(y), vx, vy, kind, kind == SPARK_RING ? 70 : 16};
}

static void draw_enemy(const struct actor *actor, s16 x) {
    static const u16 pictures[] = {WALKER_TILE, FLYER_TILE, HOPPER_TILE};
    u16 tile = pictures[actor->kind];
    u8 second = actor->kind == HOPPER ? actor->dy > 2 : (actor->clock >> 3) & 1;
    u16 attributes = LINE_ACTORS | (actor->left ? 0 : MIRRORED);
    sprite(x - 16, actor->y - 23, attributes | (tile + (second ? 12 : 0)), SIZE(4, 3));
}

void actors_draw(void) {
    for (struct spark *one = sparks; one < sparks + MAX_SPARKS; one++) {
        if (!one->frames) continue;
        u16 tile = one->kind == SPARK_RING ? SPARK_RING_TILE + (one->frames >> 2 & 3) * 4
                                           : PUFF_TILE + (one->frames < 8 ? 4 : 0);
        sprite(WHOLE(one->x) - camera - 8, WHOLE(one->y) - 8, LINE_HERO | tile, SIZE(2, 2));
    }
    for (struct actor *actor = actors; actor < actors + num_actors; actor++) {
        s16 x = actor->x - camera;
        if (actor->kind == GONE || x < -32 || x > SCREEN_WIDTH + 32) continue;
        if (actor->kind <= HOPPER) {
            draw_enemy(actor, x);
        } else {
            sprite(x - 24, actor->y, LINE_ACTORS | PLATFORM_TILE, SIZE(3, 2));
            sprite(x, actor->y, LINE_ACTORS | MIRRORED | PLATFORM_TILE, SIZE(3, 2));
        }
    }
}
