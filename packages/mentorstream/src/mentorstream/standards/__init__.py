"""The standards that ship with the platform, and how a standard's file is read. A file with any fault is not imported."""

from pathlib import Path

from mentorstream.standards.standard_file import Problem, StandardFault, load_standard, read_standard

ST0148 = Path(__file__).with_name("ST0148.json")

__all__ = ["ST0148", "Problem", "StandardFault", "load_standard", "read_standard"]
