import { EXIT } from "./exit.ts";

// What follows the options in `--help`.

export const PROGRAM_HELP: string = `
Examples:
  headstart compare --data digits --depth 30 --init he_normal,glorot_uniform,orthogonal
  headstart train --data iris --hidden 16 --epochs 50 --save iris.safetensors
  headstart predict --model iris.safetensors --data iris
  headstart init show he_normal
  headstart data list
  headstart doctor
  headstart bench --quick

Exit codes:
  ${EXIT.ok} done   ${EXIT.failed} failed   ${EXIT.usage} wrong usage, or sizes that do not fit   ${EXIT.diverged} diverged, with --fail-on-divergence
  ${EXIT.data} data or a model that cannot be used   ${EXIT.interrupted}, ${EXIT.terminated} stopped by Ctrl-C or SIGTERM, with what was measured until then`;

const SOURCES = `
Data:
  --data digits            a data set that comes with the package
  --data spirals           one that is generated
  --data my.csv            a table (.csv .tsv .txt, also .gz); its last column is the target unless --label says another
  --data mnist/            a folder with MNIST's four IDX files (plain or .gz)
  --data images,labels     a pair of IDX files`;

export const TRAIN_HELP: string = `${SOURCES}

Inputs are standardised with the training part's mean and deviation and clamped to 4 deviations; targets of a regression are
standardised too. Files without a test part are divided 80 : 20, the same way at every seed.

With --checkpoint the training is written down now and then, and when Ctrl-C or SIGTERM ends it; whatever stops the process, --resume
goes on where the last checkpoint was taken, and the result has the bits of a training that was never stopped.

Examples:
  headstart train --data digits --epochs 500 --checkpoint run1 --checkpoint-every 30s
  headstart train --resume run1
  headstart train --data digits --hidden 128,64 --activation relu --init he_normal --optimizer adam --lr 1e-3 --epochs 20 --seed 1
  headstart train --data my.csv --label species --hidden 32 --schedule cosine --warmup 50 --save my.safetensors
  headstart train --data digits --lr 100 --optimizer sgd --fail-on-divergence; echo $?
  headstart train --data wine --json --quiet | jq .testAccuracy`;

export const COMPARE_HELP: string = `${SOURCES}

A scheme may carry options: orthogonal:gain=1, truncated_normal:std=0.1,low=-1,high=1. PyTorch's, Keras's and JAX's spellings work.
With --lr auto the rates of a grid are tried with the first seed, more of them while the best one is at its edge, and the other
seeds run at the best one. The core is "simd", which gives the same numbers on every machine.

Examples:
  headstart compare --data digits --depth 30 --width 64 --activation relu --init he_normal,glorot_uniform,lecun_normal,orthogonal
  headstart compare --depth 10 --activation tanh --init glorot_uniform,he_normal --seeds 5
  headstart compare --init he_normal,torch,keras
  headstart compare --init he_normal,zeros --lr 0.01 --json --quiet > result.json`;

export const PREDICT_HELP: string = `${SOURCES}
  A table may lack the column of targets. Of a data set with a test part, that part is used.

Examples:
  headstart predict --model iris.safetensors --data iris
  headstart predict --model my.safetensors --data new.csv --out csv > predictions.csv
  headstart predict --model my.safetensors --data new.csv --json | jq .accuracy`;

export const INIT_HELP: string = `
Examples:
  headstart init list orthogonal
  headstart init show he_normal
  headstart init calc glorot_uniform --fan-in 300 --fan-out 100
  headstart init explain iris.safetensors
  headstart init lint --hidden 64,64,64 --activation relu --init glorot_uniform`;

export const INIT_LIST_HELP: string = `
Examples:
  headstart init list
  headstart init list kaiming
  headstart init list sparse
  headstart init list --json --quiet | jq -r .schemes[].name`;

export const INIT_SHOW_HELP: string = `
The sample is a dense kernel of 300 x 100; --seed draws another.

Examples:
  headstart init show he_normal
  headstart init show truncated_normal:std=0.02
  headstart init show orthogonal --activation tanh --json`;

export const INIT_CALC_HELP: string = `
"hands on" is the share of the signal's second moment that a layer with this activation hands on: 1 keeps it.

Examples:
  headstart init calc glorot_uniform --fan-in 300 --fan-out 100
  headstart init calc he_normal --fan-in 512 --activation relu
  headstart init calc variance_scaling:scale=2,mode=fan_out --fan-in 576 --fan-out 1152 --json`;

const AS_DRAWN = `
"as drawn" tests whether the values are a draw of their scheme: Kolmogorov-Smirnov for independent draws (which true ones fail
once in a thousand times), equality for constants and patterns, |W'W - gain^2 I| for orthogonal ones. Training changes the values.`;

export const INIT_EXPLAIN_HELP: string = `${AS_DRAWN}

Examples:
  headstart init explain iris.safetensors
  headstart init explain --data digits --hidden 128,64 --activation tanh
  headstart init explain --hidden 32 --init orthogonal --json | jq .parameters[0].theory`;

export const INIT_LINT_HELP: string = `
Exit codes:
  ${EXIT.ok} nothing found   ${EXIT.failed} something found (or failed: then there is an error)   ${EXIT.usage} wrong usage   ${EXIT.data} a file that cannot be used

Examples:
  headstart init lint iris.safetensors
  headstart init lint --hidden 64,64,64,64,64,64,64 --init glorot_uniform
  headstart init lint --hidden 64 --init zeros --json --quiet | jq -r .findings[].rule`;

export const DOCTOR_HELP: string = `
Examples:
  headstart doctor
  headstart doctor --variant relaxed
  headstart doctor --json`;

export const DATA_HELP: string = `
Examples:
  headstart data list
  headstart data info digits
  headstart data info my.csv --label species
  headstart data info /usr/share/datasets/fashion-mnist --json`;

export const BENCH_HELP: string = `
Suites: gemm elementwise losses optimizers init random step; without one, all. Each figure is the median of samples taken in turn
from all variants, on one thread. In brackets its share of what the machine can do, measured in the same run: multiplying and adding
in registers, or copying as many bytes.

Networks to profile: w2 w2-adam w3 w4, or one of your own by --inputs --hidden --outputs.

Examples:
  headstart bench
  headstart bench gemm step --quick
  headstart bench gemm --variant relaxed --json
  headstart bench --profile w2
  headstart bench --profile --inputs 64 --hidden 256,256,256 --activation tanh --optimizer adam --batch 64`;
