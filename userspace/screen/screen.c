/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal. Curses is given a memory file in the terminal's place, once it has read what it needs to know: so
 * refreshing never waits, and what goes out is copied to the terminal as far as that takes it.
 */
#include "userspace/screen/screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "userspace/screen/screen_parts.h"

#define REDRAW_NS 250000000ull   /* at the most so often when something happens, */
#define QUIET_NS 1000000000ull   /* and so often when nothing does: ages grow */
#define COST_SHARE 20u           /* drawing takes at most a twentieth of the time */
#define GIVE_BACK_MS 500         /* for a terminal that takes nothing */

static volatile sig_atomic_t stop_asked, resized;

static void on_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

static void on_resize(int signal)
{
	(void)signal;
	resized = 1;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- out to the terminal */

/* False: the terminal is gone. */
static bool send_out(struct screen *s)
{
	char part[4096];
	ssize_t n;

	while (s->out_sent < s->out_len) {
		n = pread(fileno(s->out), part, sizeof(part), (off_t)s->out_sent);
		if (n <= 0)
			return false;
		if ((size_t)n > s->out_len - s->out_sent)
			n = (ssize_t)(s->out_len - s->out_sent);
		n = write(s->guard->tty, part, (size_t)n);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		s->out_sent += (size_t)n;
	}
	return true;
}

/* What curses has written since the last time is to go out. */
static bool take_output(struct screen *s)
{
	off_t len;

	fflush(s->out);
	len = lseek(fileno(s->out), 0, SEEK_CUR);
	s->out_len = len > 0 ? (size_t)len : 0;
	s->out_sent = 0;
	return lseek(fileno(s->out), 0, SEEK_SET) == 0 && send_out(s);
}

/* Waits a little, unlike the rest. */
static void send_all(struct screen *s)
{
	struct pollfd fd = { .fd = s->guard->tty, .events = POLLOUT };

	while (s->out_sent < s->out_len && poll(&fd, 1, GIVE_BACK_MS) > 0 && send_out(s))
		;
}

/* --- taking and giving back */

static void set_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
}

/* As cbreak(), noecho() and nonl() would. */
static void set_keys(const struct screen *s)
{
	struct termios keys = s->guard->before;

	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	keys.c_iflag &= ~(tcflag_t)ICRNL;
	keys.c_oflag &= ~(tcflag_t)ONLCR;       /* curses moves down by a line feed */
	keys.c_cc[VMIN] = 1;
	keys.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

static void give_back(struct screen *s)
{
	send_all(s);
	endwin();
	take_output(s);
	send_all(s);
	tcsetattr(STDIN_FILENO, TCSANOW, &s->guard->before);
	*s->guard->on = false;
}

static void take_back(struct screen *s)
{
	*s->guard->on = true;
	set_keys(s);
	set_size();
	clearok(curscr, TRUE);
	s->changed = true;
}

/* Ctrl-Z: the shell has the terminal until it lets us go on. The monitor stops when we do. */
static void stop(struct screen *s)
{
	give_back(s);
	kill(getpid(), SIGSTOP);
	stop_asked = 0;
	take_back(s);
}

static void handle_signals(void)
{
	struct sigaction stopping = { .sa_handler = on_stop }, sizing = { .sa_handler = on_resize };

	sigaction(SIGTSTP, &stopping, NULL);
	sigaction(SIGWINCH, &sizing, NULL);
}

static void choose_colours(bool wanted)
{
	if (!wanted || !has_colors() || start_color() != OK)
		return;
	use_default_colors();
	init_pair(1, COLOR_RED, -1);
	init_pair(2, COLOR_YELLOW, -1);
	init_pair(3, COLORS > 8 ? 8 : COLOR_BLUE, -1);
}

/*
 * Curses begins with the terminal itself, and looks at it; then the descriptor that it writes to becomes memory. What
 * it would set of the terminal from then on, set_keys() does.
 */
static int begin_curses(struct screen *s)
{
	int memory = memfd_create("screen", MFD_CLOEXEC), fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int err = -EIO;

	s->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (memory < 0 || !s->out)
		goto done;
	set_escdelay(25);
	use_env(FALSE);
	if (!newterm(NULL, s->out, stdin))
		goto done;
	cbreak();
	noecho();
	nonl();
	fflush(s->out);
	if (dup2(memory, fd) < 0)
		goto done;
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	typeahead(-1);
	err = 0;
done:
	if (memory >= 0)
		close(memory);
	return err;
}

int screen_open(struct screen_guard *guard, const struct ledger *ledger, bool color, struct screen **out)
{
	struct screen *s = calloc(1, sizeof(*s));
	mbstate_t state = { 0 };
	char bytes[MB_LEN_MAX];
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct screen){ .guard = guard, .ledger = ledger, .color = color, .changed = true };
	s->rows = screen_rows_new(ledger);
	if (!s->rows) {
		free(s);
		return -ENOMEM;
	}
	setlocale(LC_CTYPE, "");
	/* A charset's tables are loaded at their first use. */
	if (wcrtomb(bytes, L'a', &state) == (size_t)-1)
		setlocale(LC_CTYPE, "C");
	handle_signals();
	*guard->on = true;
	err = begin_curses(s);
	if (err) {
		screen_rows_free(s->rows);
		free(s);
		return err;
	}
	choose_colours(color);
	s->color = color && has_colors();
	take_back(s);
	*out = s;
	return 0;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	give_back(s);
	screen_messages_read(&s->messages, s->guard->messages[0]);
	screen_guard_redirect(s->guard, false);
	screen_messages_print(&s->messages, stderr);
	screen_lines_clear(&s->lines);
	screen_rows_free(s->rows);
	free(s);
}

/* --- turns */

void screen_poll(const struct screen *s, struct pollfd fds[SCREEN_FDS])
{
	fds[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = s->out_sent < s->out_len ? s->guard->tty : -1, .events = POLLOUT };
}

/* Poll alone tells a terminal that is gone from one where nothing was typed. */
static void read_keys(struct screen *s)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };
	int key;

	if (poll(&fd, 1, 0) <= 0)
		return;
	if (fd.revents & (POLLHUP | POLLERR | POLLNVAL)) {
		s->quit = true;
		return;
	}
	while ((key = getch()) != ERR) {
		s->changed = true;
		if (key != KEY_RESIZE)
			screen_key(s, key);
	}
}

static void update(struct screen *s)
{
	if (s->paused)
		return;
	s->seen = *ledger_counters(s->ledger);
	screen_rows_update(s->rows, clock_ns(CLOCK_REALTIME));
	if (s->page == PAGE_ROW || s->page == PAGE_MESSAGES)
		screen_fill_page(s);
}

static bool is_due(const struct screen *s, uint64_t now_ns)
{
	const struct ledger_counters *c = ledger_counters(s->ledger);
	bool busy = c->sightings != s->seen.sightings || c->chains != s->seen.chains;
	uint64_t wait_ns = s->news || (busy && !s->paused) ? REDRAW_NS : QUIET_NS;

	if (wait_ns < s->cost_ns * COST_SHARE)
		wait_ns = s->cost_ns * COST_SHARE;
	return now_ns - s->drawn_ns >= wait_ns;
}

static void draw(struct screen *s, bool due)
{
	uint64_t begun_ns = clock_ns(CLOCK_MONOTONIC);

	if (due)
		update(s);
	screen_draw(s);
	refresh();
	if (!take_output(s))
		s->quit = true;
	s->changed = false;
	s->news = due && !s->paused && screen_rows_behind(s->rows);
	if (!due)
		return;
	s->drawn_ns = clock_ns(CLOCK_MONOTONIC);
	s->cost_ns = s->drawn_ns - begun_ns;
}

bool screen_turn(struct screen *s, const struct screen_totals *totals)
{
	bool due;

	if (stop_asked)
		stop(s);
	if (resized) {
		resized = 0;
		set_size();
		screen_fill_page(s);
		s->changed = true;
	}
	s->totals = *totals;
	s->news |= screen_messages_read(&s->messages, s->guard->messages[0]);
	read_keys(s);
	if (s->out_sent < s->out_len) {
		if (!send_out(s))
			s->quit = true;
		return !s->quit;
	}
	due = is_due(s, clock_ns(CLOCK_MONOTONIC));
	if (due || s->changed)
		draw(s, due);
	return !s->quit;
}
