/* SPDX-License-Identifier: Apache-2.0 */
/* certtap live: observes now. */
#include "userspace/command.h"
#include "userspace/live/live.h"

int cmd_live(int argc, char **argv)
{
	struct options options;
	int err = options_parse(&options, FOR_LIVE, "live", argc, argv);

	if (err)
		return options_exit(err);
	return live_options_fit(&options) ? live_run(&options, NULL) : EXIT_USAGE;
}
