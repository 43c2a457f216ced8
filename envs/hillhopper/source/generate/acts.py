"""The nine acts, in the language of `course`; each is longer and harder than the last."""

MEADOW = (
    # It teaches, one after the other: running, a wall, an enemy, a slope, a hole, a short pit.
    """
    flat 16, rings 5, flat 3, wall 2, flat 5, rings 3, walker 9, up 2, rings 4, down 2, flat 4,
    hole 6 2, flat 4, step 1, flat 5, step 1, flat 4, walker 9, flat 2, pit 3, flat 6, post,
    flat 3, ledge 6 3, flat 4, spring, flat 2, step 4, rings 5, down 3, walker 9, flat 2,
    step -1, flat 5, spikes 1, flat 5, pit 3, flat 5, rings 4, wall 2, flat 7, goal
    """,
    """
    flat 12, rings 4, step 2, flat 4, step 2, walker 9, down 3, flat 4, pit 4, flat 5, spikes 2,
    flat 4, walker 10, up 3, flat 3, pit 4, flat 4, down 3, rings 4, wall 3, flat 5, post, flat 4,
    bridge 8, flat 4, hopper 9, hole 7 3, flat 3, ledge 6 3, spikes 2, flat 3, step 2, rings 4,
    raft 9, flat 5, walker 9, spring, flat 2, step 3, flat 4, down 4, flat 4, pit 4, flat 4,
    walker 9, walker 8, wall 2, flat 4, up 2, down 2, flat 6, goal
    """,
    """
    flat 12, walker 9, up 2, pit 4, flat 5, spikes 2, flat 3, flyer 9, down 2, flat 3, wall 3,
    flat 4, hopper 9, pit 5, flat 4, step 2, flat 3, step 2, rings 4, raft 10, flat 4, down 3,
    flat 3, post, flat 3, spikes 2, flat 4, spikes 2, flat 4, bridge 9, flat 3, walker 8, hopper 9,
    up 3, flat 3, lift 7, flat 4, rings 3, down 2, wall 2, flat 5, wall 3, flat 5, pit 5, flat 5,
    post, flat 3, spring, flat 2, step 4, flyer 9, flat 2, raft 10, flat 4, down 4, walker 9,
    spikes 3, flat 5, hopper 9, pit 4, flat 6, goal
    """,
)
CANYON = (
    """
    flat 12, rings 4, up 2, hopper 9, pit 6, flat 4, walker 9, spikes 2, flat 4, step 2, flat 3,
    step -3, flat 4, wall 3, flat 4, raft 12, flat 4, rings 4, flyer 9, roof 5 4, spikes 2,
    flat 3, post, flat 3, lift 8, flat 4, hopper 9, down 2, up 2, pit 6, flat 4, walker 9,
    bridge 11, flat 3, spring, flat 2, step 5, flat 4, flyer 9, raft 12, flat 4, down 4, spikes 3,
    flat 5, hopper 9, wall 3, flat 4, pit 6, flat 5, walker 9, flat 4, goal
    """,
    """
    flat 12, hopper 9, pit 6, flat 3, pit 6, flat 4, step 2, walker 8, step 2, flyer 9, raft 13,
    flat 4, down 4, rings 3, spikes 3, flat 4, wall 3, flat 3, wall 4, flat 5, post, flat 3,
    lift 8, flat 3, lift 8, flat 4, hopper 9, spikes 2, flat 4, bridge 11, flat 3, up 3, flyer 9,
    pit 7, flat 5, walker 9, down 3, flat 4, roof 7 4, flat 2, raft 14, flat 5, post, flat 3,
    spring, flat 2, step 6, flat 4, pit 6, flat 4, hopper 9, step -3, flat 4, spikes 3, flat 5,
    flyer 9, wall 3, flat 4, raft 13, flat 5, walker 9, pit 6, flat 5, goal
    """,
    """
    flat 12, spikes 2, flat 4, flyer 9, pit 7, flat 4, hopper 9, wall 4, flat 4, raft 13, flat 3,
    step 2, spikes 2, flat 3, walker 8, lift 9, flat 4, up 2, flyer 9, pit 6, flat 3, pit 6, flat 4,
    down 4, flat 3, post, flat 3, hopper 9, roof 6 4, spikes 3, flat 4, bridge 12, flat 3,
    wall 3, walker 8, wall 3, flat 4, raft 14, flat 4, lift 8, flat 4, hopper 9, up 3, flat 3,
    pit 7, flat 5, post, flat 3, step -2, spikes 3, flat 4, flyer 9, spring, flat 2, step 5,
    flat 3, raft 13, flat 4, hopper 9, down 4, walker 9, pit 7, flat 5, spikes 3, flat 5, wall 4,
    flat 5, flyer 9, flat 4, goal
    """,
)
GLACIER = (
    """
    flat 12, walker 9, pit 8, flat 4, step 2, spikes 2, flat 4, flyer 9, raft 15, flat 4, hopper 9,
    down 2, flat 3, wall 4, flat 4, lift 9, flat 4, spikes 3, flat 4, up 3, flyer 9, pit 8, flat 4,
    post, flat 3, hopper 9, bridge 14, flat 3, roof 7 4, walker 9, down 3, flat 3, raft 15, flat 3,
    lift 8, flat 4, spring, flat 2, step 6, flyer 9, pit 8, flat 4, spikes 2, flat 4, step -4,
    hopper 9, post, flat 3, wall 3, flat 3, wall 4, flat 5, raft 15, flat 4, pit 8, flat 4,
    walker 9, spikes 3, flat 5, goal
    """,
    """
    flat 12, flyer 9, spikes 3, flat 4, pit 8, flat 3, pit 8, flat 4, hopper 9, step 2, flat 3,
    lift 9, flat 3, raft 15, flat 4, down 2, wall 4, flat 4, hopper 9, spikes 3, flat 4, post,
    flat 3, up 3, flyer 9, pit 9, flat 5, bridge 14, flat 3, walker 9, down 3, roof 8 4, spikes 2,
    flat 4, raft 16, flat 4, spring, flat 2, step 6, hopper 9, lift 9, flat 4, flyer 9, step -3,
    flat 4, post, flat 3, pit 8, flat 4, spikes 3, flat 4, spikes 3, flat 4, wall 4, hopper 9,
    raft 15, flat 3, lift 9, flat 4, walker 8, flyer 9, pit 9, flat 5, wall 3, flat 5, hopper 9,
    flat 4, goal
    """,
    """
    flat 12, hopper 9, pit 9, flat 4, flyer 9, spikes 3, flat 4, raft 16, flat 3, wall 4, flat 3,
    walker 9, lift 9, flat 3, lift 9, flat 4, up 3, pit 8, flat 3, pit 8, flat 4, hopper 9, post,
    flat 3, down 3, spikes 3, flat 4, flyer 9, roof 8 4, bridge 14, flat 3, hopper 9, step 1,
    raft 16, flat 3, spikes 2, flat 4, flyer 9, spring, flat 2, step 5, flat 3, pit 8, flat 4,
    walker 8, raft 15, flat 4, post, flat 3, down 4, wall 4, flat 4, hopper 9, spikes 4, flat 5,
    lift 9, flat 4, flyer 9, pit 9, flat 5, up 2, hopper 9, raft 16, flat 4, spikes 3, flat 5,
    wall 4, flat 4, walker 9, flyer 9, pit 9, flat 6, goal
    """,
)
