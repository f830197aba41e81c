/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds a fuzz target its seeds, in a build without libFuzzer: every file, and every prefix of it
 * (of long ones, PREFIXES_MAX spread over the length). The program's name is replay_fuzz_NAME and
 * its seeds lie in tests/fuzz/seeds/NAME, unless arguments name other folders.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (4u << 20)
#define PREFIXES_MAX 1024
#define PREFIX "replay_fuzz_"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of exactly this size, so that a sanitizer sees each byte read beyond it. */
static void feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void feed_prefixes(const uint8_t *data, size_t size)
{
	size_t step = size / PREFIXES_MAX + 1;

	for (size_t len = 0; len < size; len += step)
		feed(data, len);
	feed(data, size);
}

/* 0, or a negative errno. */
static int replay_file(const char *path)
{
	uint8_t *data = malloc(FILE_MAX);
	FILE *file = fopen(path, "rb");
	int err = 0;
	size_t len;

	if (!data || !file) {
		err = data ? -errno : -ENOMEM;
		goto out;
	}
	len = fread(data, 1, FILE_MAX, file);
	if (ferror(file))
		err = -EIO;
	else if (len == FILE_MAX)
		err = -EFBIG;
	else
		feed_prefixes(data, len);
out:
	if (file)
		fclose(file);
	free(data);
	return err;
}

/* The number of files fed, or a negative errno. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0, err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		char path[4096];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &st) != 0)
			err = -errno;
		else if (S_ISREG(st.st_mode) && (err = replay_file(path)) == 0)
			count++;
		if (err)
			printf("# %s: %s\n", path, strerror(-err));
	}
	closedir(dir);
	return err ? err : count;
}

static int report(const char *name, const char *folder)
{
	int count = replay_folder(folder);

	if (count > 0) {
		printf("ok - fuzz seeds %s (%d files)\n", name, count);
		return 0;
	}
	printf("not ok - fuzz seeds %s: %s: %s\n", name, folder,
	       count == 0 ? "no files" : strerror(-count));
	return 1;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	char folder[512];
	int failed = 0;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) {
		fprintf(stderr, "%s: the name must be " PREFIX "NAME\n", name);
		return 2;
	}
	name += strlen(PREFIX);
	for (int i = 1; i < argc; i++)
		failed |= report(name, argv[i]);
	if (argc == 1) {
		snprintf(folder, sizeof(folder), "tests/fuzz/seeds/%s", name);
		failed = report(name, folder);
	}
	return failed;
}
