#!/bin/bash
# Trains on several nodes, and goes on after whatever stops it, until the run is complete:
#
#   sbatch --nodes=4 --gres=gpu:8 examples/slurm.sh --problems=multimodel8 \
#       --hparams_set=multimodel_base --data_dir=/shared/data --output_dir=/shared/output/base
#
# The arguments are those of t2t-mm-trainer, which has to be on the path of the nodes. Data and
# output lie on a disk that all of them see.
#
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=TERM@90

export T2T_MM_WORKERS T2T_MM_PORT
T2T_MM_PORT=$((20000 + SLURM_JOB_ID % 10000))  # two jobs may share a node
T2T_MM_WORKERS=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed "s/.*/\"&:$T2T_MM_PORT\"/" | paste -sd,)

worker='
export TF_CONFIG="{\"cluster\": {\"worker\": [$T2T_MM_WORKERS]},
                   \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
exec t2t-mm-trainer --strategy=multi_worker "$@"'

for _ in {1..20}; do
    # When a worker is lost the others end by themselves; after two minutes Slurm would end them.
    srun --kill-on-bad-exit=0 --wait=120 bash -c "$worker" worker "$@"
    code=$?
    case $code in
        0 | 2) exit $code ;;                           # complete; or a wrong command line
        143) exec scontrol requeue "$SLURM_JOB_ID" ;;  # the time is up, and all is saved
    esac
    sleep 10
done
exit $code
