"""Courses of learning platforms (Moodle) that webinars take place in, by LTI 1.3: who comes from which course, as what. No views."""
