import unittest

from berth import BerthError, ResourceAnalytics
from berth.resources import ResourceAnalytics as TheSame


class Analytics(unittest.TestCase):
    def test_a_report_by_several_keys(self):
        report = ResourceAnalytics().get_usage_report(
            time_range="last_7_days", group_by=["pipeline", "user", "model"]
        )
        self.assertTrue(report.complete)
        for row in report:
            self.assertEqual(list(row.group), ["pipeline", "user", "model"])
        self.assertGreaterEqual(report.total.attempts, 0)

    def test_suggestions_say_what_they_save(self):
        for one in ResourceAnalytics().get_optimization_suggestions():
            self.assertTrue(one.description)
            self.assertGreaterEqual(float(f"{one.estimated_savings:.2f}"), 0)

    def test_a_range_that_is_none_is_refused(self):
        with self.assertRaises(BerthError) as refused:
            ResourceAnalytics().get_usage_report("since forever")
        self.assertEqual(refused.exception.code, "USAGE")

    def test_the_import_of_the_module(self):
        self.assertIs(TheSame, ResourceAnalytics)


if __name__ == "__main__":
    unittest.main()
