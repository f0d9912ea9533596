"""The tests of Fleet Tracker."""
