// SPDX-License-Identifier: GPL-2.0
/*
 * The scan's state function and transition table, against an independent model.
 */
#include <kunit/test.h>

#include "svmgpu_scan.h"

/* pages of the model: absent, system, the target, three other devices */
enum model_page { ABSENT, SYSTEM, TARGET, DEVICE_A, DEVICE_B, DEVICE_C, MODEL_PAGES };

#define MODEL_LENGTH	5

/* The order in which other devices are met decides who is "first other". */
static enum svmgpu_scan_class model_class(enum model_page page, enum model_page *other)
{
	switch (page) {
	case ABSENT:
		return SVMGPU_SCAN_ABSENT;
	case SYSTEM:
		return SVMGPU_SCAN_IN_SYSTEM;
	case TARGET:
		return SVMGPU_SCAN_IN_TARGET;
	default:
		if (*other == ABSENT)
			*other = page;
		return page == *other ? SVMGPU_SCAN_IN_OTHER : SVMGPU_SCAN_IN_FURTHER;
	}
}

/* By counting devices instead of by classes. */
static enum svmgpu_scan_state model_state(const enum model_page *pages, unsigned int n)
{
	unsigned int devices = 0, target = 0, system = 0;
	u8 met = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (pages[i] == ABSENT)
			return SVMGPU_SCAN_UNPOPULATED;
		if (pages[i] == SYSTEM)
			system++;
		else
			met |= BIT(pages[i]);
		target |= pages[i] == TARGET;
	}
	devices = hweight8(met);

	if (!devices)
		return SVMGPU_SCAN_SYSTEM;
	if (system)
		return SVMGPU_SCAN_MIXED;
	if (devices > 1)
		return SVMGPU_SCAN_MIXED_DEVICE;

	return target ? SVMGPU_SCAN_EQUAL : SVMGPU_SCAN_OTHER;
}

/* Counts through all sequences of @n pages: false after the last. */
static bool model_next(enum model_page *pages, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (++pages[i] < MODEL_PAGES)
			return true;
		pages[i] = ABSENT;
	}

	return false;
}

static void scan_sequences_test(struct kunit *test)
{
	unsigned int sequences = 0;

	for (unsigned int n = 1; n <= MODEL_LENGTH; n++) {
		enum model_page pages[MODEL_LENGTH] = {};

		do {
			enum svmgpu_scan_state state = SVMGPU_SCAN_NONE;
			enum model_page other = ABSENT;
			u8 seen = 0;

			for (unsigned int i = 0; i < n; i++) {
				enum svmgpu_scan_class class = model_class(pages[i], &other);

				state = svmgpu_scan_step(state, class);
				seen |= BIT(class);
			}
			KUNIT_ASSERT_EQ(test, state, model_state(pages, n));
			KUNIT_ASSERT_EQ(test, svmgpu_scan_state_of(seen), state);
			sequences++;
		} while (model_next(pages, n));
	}
	/* 6 + 36 + ... + 6^5 */
	KUNIT_EXPECT_EQ(test, sequences, 9330);
}

/* What one step makes of a state must be among what is said to be reachable. */
static void scan_reachable_test(struct kunit *test)
{
	for (unsigned int state = SVMGPU_SCAN_NONE; state < SVMGPU_SCAN_STATES; state++) {
		u8 reachable = svmgpu_scan_reachable(state);

		for (unsigned int class = 0; class < SVMGPU_SCAN_CLASSES; class++) {
			enum svmgpu_scan_state next = svmgpu_scan_step(state, class);

			KUNIT_EXPECT_TRUE(test, reachable & BIT(next));
			/* and whatever follows from there */
			KUNIT_EXPECT_EQ(test, svmgpu_scan_reachable(next) & ~reachable, 0);
		}
	}
}

/* A page behind a NUMA hint is there. */
static void scan_hint_test(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, svmgpu_scan_state_of(BIT(SVMGPU_SCAN_HINT)), SVMGPU_SCAN_SYSTEM);
	KUNIT_EXPECT_EQ(test, svmgpu_scan_step(SVMGPU_SCAN_EQUAL, SVMGPU_SCAN_HINT),
			SVMGPU_SCAN_MIXED);
}

static struct kunit_case scan_cases[] = {
	KUNIT_CASE(scan_sequences_test),
	KUNIT_CASE(scan_reachable_test),
	KUNIT_CASE(scan_hint_test),
	{}
};

static struct kunit_suite scan_suite = {
	.name = "svmgpu_scan",
	.test_cases = scan_cases,
};

kunit_test_suite(scan_suite);
