/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers, each of which holds by itself: another uid, no capabilities, limits, Landlock, the
 * filter of system calls. The order matters: what needs power comes first, the filter that
 * forbids all of these calls comes last.
 */
#include "userspace/sandbox/sandbox.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/sandbox/sandbox_layers.h"

#define NOBODY 65534    /* the kernel's overflow uid; used when no account has the name */
#define SPARE_FDS 12    /* for timers, the file being written below write_dir_fd, the store's files */

struct identity {
	uid_t uid;
	gid_t gid;
	bool change;
};

/*
 * Providers and their algorithms are loaded on first use and would then look for files. SHA-256
 * and the key types are what parsing a certificate asks for.
 */
static int prepare_openssl(void)
{
	const uint64_t what = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
			      OPENSSL_INIT_ADD_ALL_DIGESTS | OPENSSL_INIT_ADD_ALL_CIPHERS;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (!OPENSSL_init_crypto(what, NULL))
		return -ENOMEM;
	if (!EVP_Digest("", 0, digest, &len, EVP_sha256(), NULL))
		return -ENOMEM;
	return 0;
}

static bool has_capability(unsigned int capability)
{
	return capng_get_caps_process() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, capability);
}

static bool may_change_identity(void)
{
	return geteuid() == 0 && has_capability(CAP_SETUID) && has_capability(CAP_SETGID);
}

static struct identity nobody_identity(void)
{
	struct identity id = { .uid = NOBODY, .gid = NOBODY, .change = may_change_identity() };
	const struct passwd *nobody;

	if (id.change && (nobody = getpwnam("nobody")) != NULL && nobody->pw_uid != 0) {
		id.uid = nobody->pw_uid;
		id.gid = nobody->pw_gid;
	}
	return id;
}

void sandbox_nobody(uint32_t *uid, uint32_t *gid)
{
	struct identity id = nobody_identity();

	*uid = id.change ? id.uid : geteuid();
	*gid = id.change ? id.gid : getegid();
}

static int become_owner(int dir_fd, struct identity *id)
{
	struct stat dir;

	if (fstat(dir_fd, &dir) != 0)
		return -errno;
	if (!S_ISDIR(dir.st_mode))
		return -ENOTDIR;
	id->uid = dir.st_uid;
	id->gid = dir.st_gid;
	return 0;
}

static int choose_identity(const struct sandbox_options *options, struct identity *out)
{
	struct identity id = nobody_identity(), other;
	int err = 0;

	if (options->store_dir_fd >= 0)
		err = become_owner(options->store_dir_fd, &id);
	other = id;
	if (err == 0 && options->write_dir_fd >= 0)
		err = become_owner(options->write_dir_fd, &id);
	if (err)
		return err;
	if (id.change && options->store_dir_fd >= 0 && id.uid != other.uid)
		return -EXDEV;
	*out = id;
	return 0;
}

/*
 * With a directory to write to: it becomes the root, so that an absolute path leads into it too. A
 * sanitizer reads /proc at the end.
 */
static int confine_root(const struct sandbox_options *options)
{
	int dir_fd = options->write_dir_fd >= 0 ? options->write_dir_fd : options->store_dir_fd;

	if (SANDBOX_SANITIZED || dir_fd < 0 || !has_capability(CAP_SYS_CHROOT))
		return 0;
	if (fchdir(dir_fd) != 0 || chroot(".") != 0)
		return -errno;
	return 0;
}

/* EINVAL: the id does not exist in this user namespace. Then there is nobody else to become. */
static int change_identity(const struct identity *id)
{
	if (!id->change)
		return 0;
	if (setgroups(0, NULL) != 0 && errno != EPERM)   /* EPERM: the user namespace denies it */
		return -errno;
	if (setresgid(id->gid, id->gid, id->gid) != 0 && errno != EINVAL)
		return -errno;
	if (setresuid(id->uid, id->uid, id->uid) != 0 && errno != EINVAL)
		return -errno;
	return 0;
}

/* While the process still may: what is not in the bounding set can never come back. */
static int empty_bounding_set(void)
{
	if (!has_capability(CAP_SETPCAP))
		return 0;
	capng_clear(CAPNG_SELECT_ALL);
	return capng_apply(CAPNG_SELECT_BOUNDS) == 0 ? 0 : -EPERM;
}

static int drop_capabilities(void)
{
	if (capng_get_caps_process() != 0)
		return -EPERM;
	capng_clear(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0 ? 0 : -EPERM;
}

static int highest_fd(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int highest = -1;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (fd > highest && fd != dirfd(dir))
			highest = fd;
	}
	closedir(dir);
	return highest;
}

static int lower(int resource, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) != 0)
		return -errno;
	if (limit.rlim_max < value)
		value = limit.rlim_max;
	limit.rlim_cur = limit.rlim_max = value;
	return setrlimit(resource, &limit) == 0 ? 0 : -errno;
}

static int set_limits(int fds)
{
	int err;

	if ((err = lower(RLIMIT_CORE, 0)) != 0)
		return err;
	return fds >= 0 ? lower(RLIMIT_NOFILE, (rlim_t)fds + 1 + SPARE_FDS) : 0;
}

/* Those that are made here inherit what stands already; the filter comes over all of them. */
static int make_threads(const struct sandbox_options *options)
{
	int err = options->before_filter ? options->before_filter(options->context) : 0;

	if (err == 0 && !SANDBOX_SANITIZED)
		err = lower(RLIMIT_NPROC, 0);
	return err;
}

static int forbid_new_power(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, SANDBOX_SANITIZED, 0, 0, 0) != 0)
		return -errno;
	return 0;
}

/* A change of credentials clears it; a parent that died before it is set again is missed. */
static int keep_death_signal(int signal, pid_t parent)
{
	if (signal == 0)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

static int fail(int err, const char *step, char *why, size_t why_size)
{
	snprintf(why, why_size, "sandbox: %s: %s", step, strerror(-err));
	return err;
}

int sandbox_enter(const struct sandbox_options *options, char *why, size_t why_size)
{
	pid_t parent = getppid();
	int death_signal = 0, fds = highest_fd(), err;
	struct identity id = { 0 };

	if ((err = prepare_openssl()) != 0)
		return fail(err, "cannot make OpenSSL ready", why, why_size);
	if (prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0) != 0)
		return fail(-errno, "cannot read the parent-death signal", why, why_size);
	if ((err = choose_identity(options, &id)) != 0)
		return fail(err, "cannot use the directory to write to", why, why_size);
	if ((err = empty_bounding_set()) != 0)
		return fail(err, "cannot empty the bounding set", why, why_size);
	if ((err = confine_root(options)) != 0)
		return fail(err, "cannot change the root directory", why, why_size);
	if ((err = change_identity(&id)) != 0)
		return fail(err, "cannot change the uid", why, why_size);
	if ((err = drop_capabilities()) != 0)
		return fail(err, "cannot drop capabilities", why, why_size);
	if ((err = set_limits(fds)) != 0)
		return fail(err, "cannot set limits", why, why_size);
	if ((err = forbid_new_power()) != 0)
		return fail(err, "cannot set no_new_privs", why, why_size);
	if ((err = keep_death_signal(death_signal, parent)) != 0)
		return fail(err, "parent-death signal", why, why_size);
	if ((err = sandbox_landlock(options)) != 0)
		return fail(err, "Landlock", why, why_size);
	if ((err = make_threads(options)) != 0)
		return fail(err, "threads", why, why_size);
	if ((err = sandbox_seccomp(options)) != 0)
		return fail(err, "seccomp", why, why_size);
	return 0;
}

static int keep_capabilities(const unsigned int *kept, size_t num)
{
	bool had[CAP_LAST_CAP + 1];
	size_t i;

	for (i = 0; i < num; i++)
		had[kept[i]] = has_capability(kept[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (i = 0; i < num; i++)
		if (had[kept[i]] && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]))
			return -EPERM;
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) == 0 ? 0 : -EPERM;
}

int sandbox_monitor(enum sandbox_reach reach, char *why, size_t why_size)
{
	static const unsigned int kept[] = {
		CAP_NET_ADMIN, CAP_KILL, CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
		CAP_CHECKPOINT_RESTORE,
	};
	static const size_t nums[] = { [SANDBOX_STAYS] = 4, [SANDBOX_LOOKS] = 5, [SANDBOX_OPENS] = 7 };
	size_t num = nums[reach];
	int err;

	if ((err = empty_bounding_set()) != 0)
		return fail(err, "cannot empty the bounding set", why, why_size);
	if ((err = keep_capabilities(kept, num)) != 0)
		return fail(err, "cannot drop capabilities", why, why_size);
	if ((err = forbid_new_power()) != 0)
		return fail(err, "cannot set no_new_privs", why, why_size);
	return 0;
}
