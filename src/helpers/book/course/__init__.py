"""The course: exercises that say what is off, their answers and cases."""
