#!/usr/bin/env bash
# Trains a game with its preset for several seeds and evaluates each final model with sampled
# actions:  research/thresholds.sh GAME EPISODES SEED... [-- flags of train_a2c]
# Results go to research/results/, runs to runs/thresholds/.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

game=$1 episodes=$2
shift 2
seeds=()
while (($#)) && [[ $1 != -- ]]; do seeds+=("$1"); shift; done
[[ ${1:-} == -- ]] && shift

mkdir -p research/results
for seed in "${seeds[@]}"; do
    name=${game//\//-}-a2c-$seed
    ./run train_a2c --game="$game" --seed="$seed" --run_dir="runs/thresholds/$name" "$@"
    ./run evaluate --run_dir="runs/thresholds/$name" --model=final --episodes="$episodes" \
        --seed=1000 --json="research/results/$name.json"
done
