/* SPDX-License-Identifier: Apache-2.0 */
/* The table's notes: which alerts stand there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/peer_rows.h"

/* The notes of an encrypted row with one alert. */
static void assert_notes(struct alert alert, const char *want)
{
	struct output_options options = { .now_s = NOT_BEFORE };
	struct output_event e = { .action = ACTION_NOT_SEEN };
	struct sighting s = peer_sighting();
	struct ledger_row row = { 0 };
	struct output o;
	char *text = NULL;
	size_t len;

	s.reason = REASON_RESUMED;
	s.alert = alert;
	ledger_row_single(&row, &s, ROLE_SERVER);
	assert_int_equal(row.num_alerts, 1);
	e.row = &row;
	options.out = open_memstream(&text, &len);
	assert_non_null(options.out);
	output_init(&o, &output_table, &options);
	assert_true(output_event(&o, &e));
	assert_true(output_end(&o));
	fclose(options.out);
	if (want)
		assert_non_null(strstr(text, want));
	else
		assert_null(strstr(text, "alert"));
	free(text);
	ledger_row_fini(&row);
}

static void test_alerts(void **state)
{
	(void)state;
	assert_notes((struct alert){ .seen = true, .level = 1, .description = 0 }, NULL);
	assert_notes((struct alert){ .seen = true, .level = 1, .description = 90 }, NULL);
	assert_notes((struct alert){ .seen = true, .level = 1, .description = 112 },
		     "warning alert unrecognized_name");
	assert_notes((struct alert){ .seen = true, .level = 2, .description = 40 },
		     "fatal alert handshake_failure");
	assert_notes((struct alert){ .seen = true, .level = 2, .hidden = true }, "fatal alert (encrypted)");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alerts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
