#!/bin/bash
# Boots a real systemd as PID 1 in a container and runs a script in it. Read in by tests:
#
#   boot_or_skip                 ends the test as skipped, saying why, where that cannot be done
#   boot ROOT SELFTEST [SOURCE:TARGET]...
#                                boots the file system ROOT (/, or a tree that mmdebstrap made), runs
#                                SELFTEST in it and returns its exit status; what that prints, comes
#                                here as it is printed. The folder that SELFTEST stands in is /selftest
#                                inside; each SOURCE, a file or a folder, is copied to TARGET before
#                                the boot, a folder's contents into what may be there already; all is root's then.
#
# In the environment: BOOT_OUT, a folder that is /out inside and is left as it is afterwards (else
# there is a temporary one); BOOT_SECONDS, after which the container is ended (else 120).
#
# Inside there are systemd, its journal, D-Bus if ROOT has it, and a network of its own with a
# loopback only; of what ROOT has enabled, nothing runs. Status 124 says that the time was up, 99
# that the script was killed.
#
# Nothing of the machine changes: ROOT is the lower half of an overlay whose upper half is memory,
# and all mounts are in a mount namespace of their own, for which this file is run as a program.

boot_lib=$(realpath "${BASH_SOURCE[0]}")

boot_or_skip() {
	local why=
	if [ "$(id -u)" != 0 ]; then
		why='only root can boot a container'
	elif ! command -v systemd-nspawn >/dev/null; then
		why='there is no systemd-nspawn here (package systemd-container)'
	elif ! unshare --mount --propagation private mount -t tmpfs tmpfs /run 2>/dev/null; then
		why='mounting is forbidden here'
	elif ! [ -d /sys/fs/cgroup ]; then
		why='there are no control groups here'
	fi
	if [ -n "$why" ]; then
		echo "SKIPPED: $why"
		exit 77
	fi
}

boot() { # root selftest [source:target]...
	local work status=0
	work=$(mktemp -d)
	mkdir "$work/out"
	BOOT_WORK=$work BOOT_OUT=${BOOT_OUT:-$work/out} \
		unshare --mount --propagation private bash "$boot_lib" "$@" || status=$?
	rm -rf "$work"
	return "$status"
}

# systemd takes a mixture of the two versions of control groups for one it must get along with; so
# that it has all to itself, only the second is to be seen.
mount_cgroup2() {
	if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
		umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
	fi
}

mount_root() { # lower: sets root
	root=$BOOT_WORK/memory/root
	mkdir "$BOOT_WORK/memory"
	mount -t tmpfs -o size=2g tmpfs "$BOOT_WORK/memory"
	mkdir "$BOOT_WORK"/memory/{root,upper,work}
	mount -t overlay overlay \
		-o "lowerdir=$1,upperdir=$BOOT_WORK/memory/upper,workdir=$BOOT_WORK/memory/work" "$root"
}

# What the machine has enabled does not start, and images' ban on starting anything does not hold.
clean_root() {
	rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires \
		"$root/var/log/journal" "$root/usr/sbin/policy-rc.d"
	: >"$root/etc/machine-id"
}

copy_into_root() { # source:target...
	local pair source target
	for pair; do
		source=${pair%%:*} target=$root${pair#*:}
		if [ -d "$source" ]; then
			mkdir -p "$target"
			tar -C "$source" --owner=0 --group=0 -c . | tar -C "$target" --no-overwrite-dir -x
		else
			install -D -m "$(stat -c %a "$source")" "$source" "$target"
		fi
	done
}

# The script is a service; its end is the container's.
add_selftest() { # selftest
	copy_into_root "$(dirname "$1"):/selftest"
	cat >"$root/etc/systemd/system/selftest.service" <<-UNIT
		[Unit]
		Description=What is tested here
		Requires=basic.target
		Wants=dbus.socket
		After=basic.target dbus.socket
		[Service]
		Type=oneshot
		ExecStart=/bin/bash "/selftest/$(basename "$1")"
		ExecStopPost=/bin/sh -c 'case \$EXIT_STATUS in [0-9]*) exec systemctl exit "\$EXIT_STATUS";; esac; exec systemctl exit 99'
		TimeoutStartSec=infinity
		StandardOutput=append:/out/printed
		StandardError=append:/out/printed
	UNIT
}

# In a control group of its own, or nspawn would put two of its at the top and leave them there. The
# capabilities and system calls are those of IPAddressAllow=.
run_container() {
	local group=/sys/fs/cgroup/boot-$$ status=0
	mkdir "$group"
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec timeout --foreground --kill-after=20 "${BOOT_SECONDS:-120}" \
			systemd-nspawn --quiet --directory="$root" --boot --register=no --keep-unit \
			--machine="boot-$$" --private-network --console=pipe --bind="$BOOT_OUT:/out" \
			--capability=CAP_BPF,CAP_NET_ADMIN --system-call-filter=bpf \
			-- systemd.unit=selftest.service systemd.log_target=journal \
			</dev/null >"$BOOT_WORK/console" 2>&1
	) || status=$?
	find "$group" -depth -type d -exec rmdir {} +
	return "$status"
}

# What is printed inside comes through a FIFO, which ends when we and the container let go of it.
boot_privately() { # root selftest [source:target]...
	local root reader status=0
	mount_cgroup2
	# nspawn wants it to be no disk
	mount -t tmpfs tmpfs /run
	mount_root "$(realpath "$1")"
	clean_root
	add_selftest "$(realpath "$2")"
	copy_into_root "${@:3}"
	mkfifo -m 600 "$BOOT_OUT/printed"
	cat <"$BOOT_OUT/printed" &
	reader=$!
	exec 3>"$BOOT_OUT/printed"
	run_container 3>&- || status=$?
	exec 3>&-
	wait "$reader"
	rm "$BOOT_OUT/printed"
	if [ "$status" != 0 ]; then
		echo "the container ended with $status; its console:"
		tail -n 20 "$BOOT_WORK/console"
	fi
	return "$status"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -eu
	boot_privately "$@"
fi
