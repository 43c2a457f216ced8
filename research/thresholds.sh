#!/usr/bin/env bash
# Trains a game with its preset for several seeds and evaluates each final model with sampled
# actions:
#   [ALGORITHM=a3c] [LABEL=NAME] [LEVELS=test] research/thresholds.sh GAME EPISODES SEED... [-- flags]
# Results go to research/results/GAME-LABEL-SEED.json, runs to runs/thresholds/. The label is the
# algorithm, a2c by default; the levels of the evaluation are those of the training.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

algorithm=${ALGORITHM:-a2c} game=$1 episodes=$2
shift 2
seeds=()
while (($#)) && [[ $1 != -- ]]; do seeds+=("$1"); shift; done
[[ ${1:-} == -- ]] && shift

mkdir -p research/results
for seed in "${seeds[@]}"; do
    name=${game//\//-}-${LABEL:-$algorithm}-$seed
    ./run "train_$algorithm" --game="$game" --seed="$seed" --run_dir="runs/thresholds/$name" "$@"
    ./run evaluate --run_dir="runs/thresholds/$name" --model=final --episodes="$episodes" \
        --seed=1000 --levels="${LEVELS:-}" --json="research/results/$name.json"
done
