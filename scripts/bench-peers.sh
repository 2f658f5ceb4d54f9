#!/bin/sh
# What the benchmarks are measured beside, all below .bench-peers/: the retrieval peers as a folder
# that stands behind the pinned packages, and LiteLLM's proxy, whose pins clash with ours, in an
# environment of its own. $1 is our Python. A second run returns at once; without a network it says
# who is missing, and the benchmarks go on without them.
set -eu

python=$1
folder=.bench-peers
litellm=$folder/envs/litellm

install_folder() {
    rm -rf "$folder" && mkdir "$folder" && echo "*" >"$folder/.gitignore" &&
        "$python" -m pip install --quiet --no-deps --require-hashes --target "$folder" \
            -r requirements/bench.txt &&
        cp requirements/bench.txt "$folder/installed.txt"
}

install_litellm() {
    rm -rf "$litellm" && "$python" -m venv "$litellm" &&
        "$litellm/bin/python" -m pip install --quiet --no-deps --require-hashes \
            -r requirements/litellm.txt &&
        cp requirements/litellm.txt "$litellm/installed.txt"
}

missing() {
    echo "$1 could not be installed: the benchmark will say who is missing" >&2
}

cmp -s requirements/bench.txt "$folder/installed.txt" ||
    install_folder || missing "the retrieval peers"
cmp -s requirements/litellm.txt "$litellm/installed.txt" ||
    install_litellm || missing "LiteLLM's proxy"
