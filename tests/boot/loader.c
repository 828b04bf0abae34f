// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * loader LIST SECONDS: load each program of each BPF object by itself, and print how far it came.
 *
 * LIST has on each line the number of the first program to load, and the path of an object.  A program gets SECONDS,
 * then it is given up.  It is loaded in a process of its own, so that a crash of libbpf or a verifier that takes too
 * long costs one program only.
 *
 * libbpf takes much longer than the verifier to prepare an object: it looks for kfuncs and types in all types of the
 * kernel.  So an object is prepared once, with all its programs and maps, and the processes of its programs go on from
 * there.  If that fails, each program is loaded from the beginning, with nothing but what it needs.
 *
 * The output has one item on each line; outcomes.py reads it:
 *
 *	object PATH
 *	try NUMBER			before the program of this number is loaded, which counts from 0
 *	program NAME SECTION		as soon as the object is open
 *	log TEXT			a line of libbpf or the verifier
 *	end STEP ERROR			STEP: loaded, open, load, crash, timeout; ERROR: an errno, or a signal
 *	done				after the last object
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#define MAX_TEXT (256 * 1024)	/* of the log of one program */
#define MAX_LINE 600
#define MAX_NAME 256
#define MAX_SKIPPED_MAPS 64

enum step { STEP_NONE, STEP_LOADED, STEP_OPEN, STEP_LOAD };

/* What the process of a program tells the process that started it. */
struct outcome {
	enum step step;
	int error;
	int n_programs;
	/* The first program without a result; only the process of an object writes it. */
	int next_program;
	/* The map that libbpf could not create; empty if there is none. */
	char refused_map[MAX_NAME];
	size_t text_size;
	char text[MAX_TEXT];
};

static struct outcome *outcome;
static struct btf *vmlinux_btf;

/*
 * Each object of libbpf reads the BTF of the kernel again, which takes most of the time of a load.  The linker
 * replaces the function (--wrap), so that the processes of all programs share what their parent has read.
 */
struct btf *__real_btf__load_vmlinux_btf(void);

struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	struct btf *btf = vmlinux_btf ? vmlinux_btf : __real_btf__load_vmlinux_btf();

	vmlinux_btf = NULL;	/* libbpf frees what it gets, so only one object of a process may get it */
	return btf;
}

/* Whether LINE is part of the verifier's account of instructions and registers, which says nothing of a failure. */
static bool is_trace(const char *line)
{
	static const char *const prefixes[] = {
		"; ", "from ", "last_idx", "regs=", "parent ", "mark_precise", "processed ", "max_states",
		"stack depth", "verification time", "caller:", "callee:", "returning from callee", "to caller",
		"propagating", "frame", "Live regs", "insns_processed", "func#", "subprog#",
	};
	const char *end = line;

	while (*end >= '0' && *end <= '9')
		end++;
	if (end != line && *end == ':')
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(line, prefixes[i], strlen(prefixes[i])))
			return true;
	return strstr(line, "R10=") != NULL;	/* all registers */
}

static void keep_line(const char *line, size_t size)
{
	char copy[MAX_LINE];

	if (size >= sizeof(copy))
		size = sizeof(copy) - 1;
	memcpy(copy, line, size);
	copy[size] = '\0';
	if (!size || is_trace(copy) || outcome->text_size + size + 1 >= sizeof(outcome->text))
		return;
	memcpy(outcome->text + outcome->text_size, copy, size);
	outcome->text[outcome->text_size + size] = '\n';
	outcome->text_size += size + 1;
}

static void note_refused_map(const char *message)
{
	const char *begin = strstr(message, "map '");
	const char *end = begin ? strchr(begin + 5, '\'') : NULL;

	if (outcome->refused_map[0] || !end || strncmp(end, "': failed to create", 19))
		return;
	snprintf(outcome->refused_map, sizeof(outcome->refused_map), "%.*s", (int)(end - begin - 5), begin + 5);
}

static int keep_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *message, *line, *end;

	if (level == LIBBPF_DEBUG || vasprintf(&message, format, arguments) < 0)
		return 0;
	note_refused_map(message);
	for (line = message; *line; line = end + (*end == '\n')) {
		end = strchrnul(line, '\n');
		keep_line(line, end - line);
	}
	free(message);
	return 0;
}

static bool is_program(const struct bpf_object *object, const void *address)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (program == address)
			return true;
	return false;
}

/*
 * Leave in the structure of callbacks MAP only the callback PROGRAM; whether it has it.
 *
 * libbpf loads all programs of a structure that it creates, whatever bpf_program__set_autoload() says.
 */
static bool keep_callback(const struct bpf_object *object, struct bpf_map *map, const struct bpf_program *program)
{
	size_t size;
	void **members = bpf_map__initial_value(map, &size);
	bool has_it = false;

	for (size_t i = 0; members && i < size / sizeof(*members); i++) {
		if (members[i] == program)
			has_it = true;
		else if (members[i] && is_program(object, members[i]))
			members[i] = NULL;
	}
	return has_it;
}

/*
 * Complete what the user of an object may leave to the time before it is loaded: a map without a number of entries gets
 * the smallest one.  No map is pinned.
 */
static void complete_map(struct bpf_map *map)
{
	bpf_map__set_pin_path(map, NULL);
	if (bpf_map__max_entries(map))
		return;
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_USER_RINGBUF:
		bpf_map__set_max_entries(map, getpagesize());
		break;
	case BPF_MAP_TYPE_ARENA:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		bpf_map__set_max_entries(map, 1);
		break;
	default:	/* libbpf sets it, or zero is right, as for local storage */
		break;
	}
}

/* Limit OBJECT to the program number CHOSEN and to what it needs; the program, or NULL if there is none. */
static struct bpf_program *choose(struct bpf_object *object, int chosen, char (*skipped)[MAX_NAME], int n_skipped)
{
	struct bpf_program *program, *only = NULL;
	struct bpf_map *map;
	int number = 0;

	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, number == chosen);
		if (number++ == chosen)
			only = program;
	}
	outcome->n_programs = number;
	if (!only)
		return NULL;
	bpf_object__for_each_map(map, object) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, keep_callback(object, map, only));
		complete_map(map);
		for (int i = 0; i < n_skipped; i++)
			if (!strcmp(bpf_map__name(map), skipped[i]))
				bpf_map__set_autocreate(map, false);
	}
	return only;
}

static void print_program(const struct bpf_program *program)
{
	printf("program %s %s\n", bpf_program__name(program), bpf_program__section_name(program));
}

static void finish_load(struct bpf_object *object)
{
	int error = bpf_object__load(object);

	outcome->error = -error;
	outcome->step = error ? STEP_LOAD : STEP_LOADED;
}

static void load_program(const char *path, int chosen, char (*skipped)[MAX_NAME], int n_skipped)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;

	if (!object) {
		outcome->error = errno;
		outcome->step = STEP_OPEN;
		return;
	}
	program = choose(object, chosen, skipped, n_skipped);
	if (!program)
		return;
	print_program(program);
	fflush(stdout);
	finish_load(object);
}

static void print_log(void)
{
	char *line = outcome->text, *end;

	for (; line < outcome->text + outcome->text_size; line = end + 1) {
		end = memchr(line, '\n', outcome->text + outcome->text_size - line);
		printf("log %.*s\n", (int)(end - line), line);
	}
}

/* Drop the signals of processes that were waited for already, which would end the next wait too early. */
static void forget_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	while (sigtimedwait(&signals, NULL, &(struct timespec){ 0 }) > 0)
		;
}

/* Wait for the process CHILD, at most SECONDS; its status, or -1 if it took too long. */
static int wait_for(pid_t child, int seconds)
{
	struct timespec limit = { .tv_sec = seconds };
	sigset_t signals;
	int status;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	if (sigtimedwait(&signals, NULL, &limit) < 0 && waitpid(child, &status, WNOHANG) != child) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		forget_signals();
		return -1;
	}
	waitpid(child, &status, 0);
	return status;
}

static pid_t start_process(void)
{
	pid_t child = fork();

	if (child < 0) {
		perror("fork");
		exit(1);
	}
	return child;
}

static void print_end(int status)
{
	static const char *const steps[] = { "none", "loaded", "open", "load" };

	print_log();
	if (status == -1)
		printf("end timeout 0\n");
	else if (WIFSIGNALED(status))
		printf("end crash %d\n", WTERMSIG(status));
	else
		printf("end %s %d\n", steps[outcome->step], outcome->error);
	fflush(stdout);
}

static void print_try(int number, const struct bpf_program *program)
{
	printf("try %d\n", number);
	if (program)
		print_program(program);
	fflush(stdout);
}

static void forget(void)
{
	outcome->step = STEP_NONE;
	outcome->error = 0;
	outcome->refused_map[0] = '\0';
	outcome->text_size = 0;
}

/*
 * Print for each program of OBJECT from NUMBER on that libbpf does not resolve the externs: it does that for the object
 * as a whole, before anything else.
 */
static void print_unresolved(const struct bpf_object *object, int number, int error)
{
	struct bpf_program *program;
	int current = 0;

	outcome->step = STEP_LOAD;
	outcome->error = -error;
	bpf_object__for_each_program(program, object) {
		if (current >= number) {
			print_try(current, program);
			print_end(0);
		}
		current++;
	}
	outcome->next_program = current;
}

static bool log_has(const char *text)
{
	return memmem(outcome->text, outcome->text_size, text, strlen(text)) != NULL;
}

/*
 * Prepare the object PATH as a whole, and load each of its programs from NUMBER on in a process that goes on from there.
 * This runs in the process of the object.
 */
static void load_prepared(const char *path, int number, int seconds)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_map *map;
	int current = 0, error;

	alarm(seconds);		/* ends this process, so that the programs are loaded one by one */
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return;
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, true);
		outcome->n_programs++;
	}
	bpf_object__for_each_map(map, object) {
		complete_map(map);
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, true);
	}
	error = bpf_object__prepare(object);
	alarm(0);
	if (error) {
		if (log_has("extern (func ksym)") || log_has("extern (var ksym)"))
			print_unresolved(object, number, error);
		return;
	}
	bpf_object__for_each_program(program, object) {
		pid_t child;

		if (current++ < number)
			continue;
		forget();
		print_try(current - 1, program);
		child = start_process();
		if (child == 0) {
			struct bpf_program *other;

			bpf_object__for_each_program(other, object)
				bpf_program__set_autoload(other, other == program);
			finish_load(object);
			_exit(0);
		}
		print_end(wait_for(child, seconds));
		outcome->next_program = current;
	}
}

/*
 * Load the programs of the object PATH from NUMBER on, each from the beginning.  Maps that cannot be created are left
 * out: most programs use only a few.
 */
static void load_separately(const char *path, int number, int seconds)
{
	static char skipped[MAX_SKIPPED_MAPS][MAX_NAME];

	do {
		int status, n_skipped = 0;

		print_try(number, NULL);
		for (;;) {
			pid_t child;

			forget();
			child = start_process();
			if (child == 0) {
				load_program(path, number, skipped, n_skipped);
				_exit(0);
			}
			status = wait_for(child, seconds);
			if (!outcome->refused_map[0] || n_skipped == MAX_SKIPPED_MAPS)
				break;
			strcpy(skipped[n_skipped++], outcome->refused_map);
		}
		print_end(status);
	} while (++number < outcome->n_programs);
}

static void load_object(const char *path, int number, int seconds)
{
	pid_t child;

	printf("object %s\n", path);
	fflush(stdout);
	forget();
	outcome->n_programs = 0;
	outcome->next_program = number;
	child = start_process();
	if (child == 0) {
		load_prepared(path, number, seconds);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	forget_signals();
	if (outcome->n_programs == 0 || outcome->next_program < outcome->n_programs)
		load_separately(path, outcome->next_program, seconds);
}

int main(int argc, char **argv)
{
	char path[4096];
	sigset_t signals;
	FILE *list;
	int first;

	if (argc != 3) {
		fprintf(stderr, "usage: loader LIST SECONDS\n");
		return 2;
	}
	list = fopen(argv[1], "r");
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!list || outcome == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	libbpf_set_print(keep_log);
	vmlinux_btf = btf__load_vmlinux_btf();
	while (fscanf(list, "%d %4095[^\n]", &first, path) == 2)
		load_object(path, first, atoi(argv[2]));
	printf("done\n");
	return 0;
}
