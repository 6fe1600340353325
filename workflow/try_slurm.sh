#!/usr/bin/env bash
# Try the workflow on a real Slurm of one node, made here for the purpose and stopped at the end:
#   workflow/try_slurm.sh [PROFILE]        (trial if not given: config/trial.yaml)
# 1. measures the profile on this machine and on Slurm, and compares the tables row for row;
# 2. cancels every job of a second sweep on Slurm until the sweep gives up, runs it again, and compares.
# Root, or sudo, is needed to install Debian's slurm-wlm and munge and to put /etc/slurm/slurm.conf in place for the
# time of the trial. Everything else lies in a temporary folder, which is kept where something failed.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-trial}
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo

for command in munged slurmctld slurmd sbatch; do
    if ! PATH="$PATH:/usr/sbin" command -v $command >/dev/null; then
        $sudo apt-get update -qq
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
        break
    fi
done
export PATH="$PATH:/usr/sbin"

conf=/etc/slurm/slurm.conf
stop_daemons() { # FOLDER
    for daemon in slurmd slurmctld munged; do
        [ ! -s "$1/$daemon.pid" ] || kill "$(cat "$1/$daemon.pid")" 2>/dev/null || true
    done
    $sudo rm -f $conf
    for _ in $(seq 20); do # each removes its own when it has ended
        compgen -G "$1/*d.pid" >/dev/null || break
        sleep 0.5
    done
}
old=$(readlink $conf || true)
if [[ $old == */noise-scaling-slurm.*/slurm.conf ]]; then
    old=$(dirname "$old")
    if [ -s "$old/trial.pid" ] && kill -0 "$(cat "$old/trial.pid")" 2>/dev/null; then
        echo "Another trial is running, in $old: wait until it has ended." >&2
        exit 2
    fi
    stop_daemons "$old" # it was killed and could not
    rm -rf "$old"
elif [ -e $conf ]; then
    echo "$conf exists: this machine belongs to a cluster. Try it with: noise-scaling sweep --profile $profile --on slurm" >&2
    exit 2
fi

work=$(mktemp -d -t noise-scaling-slurm.XXXXXX)
chmod 711 "$work" # munge asks that others can reach its socket
echo $$ >"$work/trial.pid"
stop() {
    status=$?
    stop_daemons "$work"
    if [ $status -eq 0 ]; then
        rm -rf "$work"
    else
        tail -n 5 "$work"/*.log >&2 || true
        echo "The trial failed; its logs are in $work" >&2
    fi
}
trap stop EXIT
trap 'exit 130' INT TERM

# A cluster of this host. A group of points books four cores (workflow/profiles/slurm), so the node says it has them.
host=$(hostname -s)
cores=$(nproc)
memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
ports=$(python -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets: s.bind(("", 0))
print(*(s.getsockname()[1] for s in sockets))')
mkdir "$work/state" "$work/spool"
cat >"$work/slurm.conf" <<END
ClusterName=trial
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports% *}
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 Port=${ports#* } CPUs=$((cores > 4 ? cores : 4)) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
$sudo mkdir -p /etc/slurm
$sudo ln -sfn "$work/slurm.conf" $conf

(umask 077 && head -c 128 /dev/urandom >"$work/munge.key")
munged --key-file "$work/munge.key" --socket "$work/munge.socket" --pid-file "$work/munged.pid" \
    --log-file "$work/munged.log" --seed-file "$work/munged.seed"
slurmctld
slurmd
deadline=$((SECONDS + 60))
until [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] || [ $SECONDS -gt $deadline ]; do sleep 1; done
sinfo --Node --long
sinfo --noheader --format=%T | grep -qx idle

sweep() { # FOLDER PLACE: measures the profile anew into $work/FOLDER
    echo "== $profile on $2, into $1"
    NOISE_SCALING_RESULTS="$work/$1" noise-scaling sweep --profile "$profile" --on "$2"
}
compare() { # FOLDER: its table must be that of the local run, but for the times
    python - "$work/local/$profile" "$work/$1/$profile" <<'END'
import sys

import pandas as pd

from helpers.store import Store

here, there = (Store(folder).table().drop(columns="seconds") for folder in sys.argv[1:])
assert len(here) and (here["status"] == "ok").all(), here
pd.testing.assert_frame_equal(here, there, check_exact=True)
print(f"{len(there)} rows are equal to those measured without Slurm, in {there.shape[1]} columns")
END
}

sweep local local
sweep slurm slurm
squeue --states=all --format="%.6i %.10T %.4C %.8m %.10M %.40k"
[ -n "$(squeue --states=COMPLETED --noheader)" ]
compare slurm

echo "== cancel what is queued until the sweep gives up"
sweep cancelled slurm >"$work/cancelled.log" 2>&1 &
sweeping=$!
while kill -0 $sweeping 2>/dev/null; do
    squeue --noheader --format=%i --states=PENDING,RUNNING | xargs --no-run-if-empty scancel || true # it may have ended
    sleep 1
done
if wait $sweeping; then
    echo "The sweep ended well though its jobs were cancelled." >&2
    exit 1
fi
grep -E "submitted with SLURM jobid|Trying to restart|CANCELLED AT|Error in group" "$work/cancelled.log"
sweep cancelled slurm
squeue --states=all --format="%.6i %.10T %.4C %.8m %.10M %.40k"
compare cancelled
echo "The workflow ran on Slurm $(slurmctld -V | cut -d' ' -f2) as it does without."
