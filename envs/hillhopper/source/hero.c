// The hero: running, jumping, rolling.
#include "game.h"

enum {
    HALF_WIDTH = 7,
    HEAD = 24,         // Height of the head above the feet; less when rolled up.
    CLIMB = 10,        // Pixels that a slope may rise or fall under the feet in a frame.
    DROP = 9,
    REACH = 5,         // Pixels that the feet may be too low for a ledge in flight.
    BUFFER_FRAMES = 5, // A jump asked for so early happens on landing,
    COYOTE_FRAMES = 5, // and one asked for so late still happens.
};

#define ACCELERATION (24 * 256)
#define AIR_ACCELERATION (36 * 256)
#define BRAKE (128 * 256)
#define FRICTION (24 * 256)
#define ROLL_FRICTION (6 * 256)
#define ROLL_BRAKE (32 * 256)
#define SLOPE_PULL (14 * 256)
#define TOP_SPEED PIXELS(4.5)
#define MOST_SPEED PIXELS(7)
#define GRAVITY (56 * 256)
#define MOST_FALL PIXELS(9)
#define JUMP_SPEED PIXELS(6)
#define CUT_SPEED PIXELS(3.5)   // What a released jump button leaves of it.

struct hero hero;

void hero_place(s16 x, s16 y) {
    hero = (struct hero){.x = PIXELS(x), .y = PIXELS(y), .grounded = 1};
}

static s32 towards_zero(s32 speed, s32 by) {
    if (speed > by) return speed - by;
    if (speed < -by) return speed + by;
    return 0;
}

static s32 limited(s32 value, s32 most) {
    return value > most ? most : value < -most ? -most : value;
}

// ---- what the buttons do ------------------------------------------------------------------------

// Towards where the hero looks. `along` is the speed in that direction.
static void push(void) {
    s32 along = hero.left ? -hero.vx : hero.vx;
    if (hero.grounded && hero.ball) {
        if (along < 0) along += ROLL_BRAKE;
    } else if (along < 0) {
        along += BRAKE;
    } else if (along < TOP_SPEED) {
        along += hero.grounded ? ACCELERATION : AIR_ACCELERATION;
        if (along > TOP_SPEED) along = TOP_SPEED;
    }
    hero.vx = hero.left ? -along : along;
}

static void steer(void) {
    u8 ducks = hero.grounded && (held & DOWN);
    if (hero.grounded && hero.ball) hero.vx = towards_zero(hero.vx, ROLL_FRICTION);
    if ((held & (LEFT | RIGHT)) && !ducks) {
        hero.left = (held & LEFT) != 0;
        push();
    } else if (hero.grounded && !hero.ball) {
        hero.vx = towards_zero(hero.vx, FRICTION);
    }
    if (ducks && !hero.ball && (hero.vx > PIXELS(1) || hero.vx < -PIXELS(1))) hero.ball = 1;
    if (hero.grounded && hero.ball && hero.vx < PIXELS(0.5) && hero.vx > -PIXELS(0.5)) {
        hero.ball = 0;
    }
}

static void jump(void) {
    if (pressed & JUMP) hero.buffered = BUFFER_FRAMES;
    else if (hero.buffered) hero.buffered--;
    if (hero.grounded) hero.coyote = COYOTE_FRAMES;
    else if (hero.coyote) hero.coyote--;
    if (hero.buffered && hero.coyote) {
        hero.vy = -JUMP_SPEED;
        hero.buffered = hero.coyote = hero.grounded = 0;
        hero.ride = 0;
        hero.ball = 2;  // 2: by jumping, so that releasing the button cuts it.
        sound_play(E_JUMP);
    }
    if (hero.ball == 2 && hero.vy < -CUT_SPEED && !(held & JUMP)) hero.vy = -CUT_SPEED;
}

// ---- moving through the map ---------------------------------------------------------------------

static u8 wall_beside(s16 x, s16 y) {
    s16 lowest = hero.grounded ? CLIMB : REACH;
    return is_wall(x, y - lowest) || is_wall(x, y - 16) || is_wall(x, y - (hero.ball ? 18 : 22));
}

static void move_across(void) {
    hero.vx = limited(hero.vx, MOST_SPEED);
    hero.x += hero.vx;
    s16 x = WHOLE(hero.x), y = WHOLE(hero.y);
    if (hero.vx > 0 && wall_beside(x + HALF_WIDTH, y)) {
        hero.x = PIXELS(((x + HALF_WIDTH) & ~15) - HALF_WIDTH - 1);
        hero.vx = 0;
    } else if (hero.vx < 0 && wall_beside(x - HALF_WIDTH, y)) {
        hero.x = PIXELS(((x - HALF_WIDTH) & ~15) + 16 + HALF_WIDTH);
        hero.vx = 0;
    }
}

// The ground under the middle, or else under one of the feet.
static s16 ground_near(s16 x, s16 y, s16 above, s16 below) {
    static const s8 feet[] = {0, -5, 5};
    for (u16 i = 0; i < 3; i++) {
        s16 top = surface(x + feet[i], y - above);
        if (top <= y + below) return top;
    }
    return NO_SURFACE;
}

static void land(s16 y) {
    hero.y = PIXELS(y);
    hero.vy = 0;
    hero.grounded = 1;
    hero.hurt = 0;
    hero.ball = 0;
}

static void stay_on_ground(void) {
    s16 x = WHOLE(hero.x), y = WHOLE(hero.y);
    hero.ride = platform_below(x, y, y + 2);
    if (hero.ride) return;
    s16 top = ground_near(x, y, CLIMB, DROP);
    if (top == NO_SURFACE) {
        hero.grounded = 0;
        return;
    }
    hero.y = PIXELS(top);
    u8 kind = block_at(x, top);
    if (kind == UP_LOW || kind == UP_HIGH) hero.vx -= SLOPE_PULL;
    if (kind == DOWN_LOW || kind == DOWN_HIGH) hero.vx += SLOPE_PULL;
}

static void fly(void) {
    s16 x = WHOLE(hero.x), old_y = WHOLE(hero.y);
    hero.vy += GRAVITY;
    if (hero.vy > MOST_FALL) hero.vy = MOST_FALL;
    hero.y += hero.vy;
    s16 y = WHOLE(hero.y);
    if (hero.vy < 0) {
        if (is_wall(x - 5, y - HEAD) || is_wall(x + 5, y - HEAD)) {
            hero.vy = 0;
            hero.y = PIXELS(((y - HEAD) & ~15) + 16 + HEAD);
        }
        return;
    }
    hero.ride = platform_below(x, old_y, y);
    s16 top = ground_near(x, old_y, REACH, y - old_y);
    if (hero.ride) land(y);
    else if (top != NO_SURFACE) land(top);
}

// ---- a frame ------------------------------------------------------------------------------------

void hero_play(void) {
    if (hero.ride) platform_carry();
    if (!hero.hurt) {
        steer();
        jump();
    }
    move_across();
    if (hero.grounded) stay_on_ground();
    else fly();
    hero_touch();
    actors_touch();
    if (hero.safe && !hero.hurt) hero.safe--;
    if (WHOLE(hero.y) > SCREEN_HEIGHT + 16) hero_die();
    if (V_MODE == PLAY) hero_pass_posts();
}

// Dead: up, and down through the ground.
void hero_fall_out(void) {
    hero.vy += GRAVITY;
    if (WHOLE(hero.y) < SCREEN_HEIGHT + 64) hero.y += hero.vy;
}

// Behind the goal: on, out of the screen.
void hero_run_away(void) {
    hero.left = hero.hurt = hero.safe = 0;
    held = RIGHT;
    pressed = 0;
    if (WHOLE(hero.x) > (columns << 4) - 24) {  // There the act ends with a wall.
        if (WHOLE(hero.x) < (columns << 4) + 32) hero.x += hero.vx;
        return;
    }
    steer();
    move_across();
    if (hero.grounded) stay_on_ground();
    else fly();
}

static u16 picture(void) {
    if (V_MODE == DYING) return HERO_FALLEN;
    if (hero.hurt) return HERO_HURT;
    if (hero.ball) return HERO_BALL + 16 * ((hero.stride >> 5) & 3);
    if (!hero.grounded) return HERO_RUN + 16;
    if (hero.vx > PIXELS(0.25) || hero.vx < -PIXELS(0.25)) {
        return HERO_RUN + 16 * hero_steps[(hero.stride >> 5) & 7];
    }
    return (held & DOWN) ? HERO_DUCK : HERO_STAND;
}

void hero_draw(void) {
    s16 speed = WHOLE(hero.vx < 0 ? -hero.vx * 4 : hero.vx * 4);
    hero.stride += hero.ball && speed < 8 ? 8 : speed;
    if ((hero.safe & 4) && V_MODE == PLAY) return;
    u16 attributes = LINE_HERO | picture() | (hero.left ? MIRRORED : 0);
    sprite(WHOLE(hero.x) - camera - 16, WHOLE(hero.y) - 31, attributes, SIZE(4, 4));
}
