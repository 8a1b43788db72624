#!/bin/sh
# in-tree.sh TREE DIR PROGRAM ARGS..: runs a program of a Debian tree, with DIR in view. To be run in a mount namespace
# of its own (unshare -m), so that nothing is left behind; the tree is not written to.
set -e
tree=$1 dir=$2
shift 2
mkdir -p "$dir/layer"
mount -t tmpfs none "$dir/layer"
mkdir "$dir/layer/up" "$dir/layer/work" "$dir/layer/root"
root=$dir/layer/root
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$dir/layer/up,workdir=$dir/layer/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root$dir"
mount --bind "$dir" "$root$dir"
exec chroot "$root" "$@"
