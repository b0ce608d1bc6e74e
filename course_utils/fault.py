"""What stops the course, said in one line; apart from the doctor, who takes a while to come."""


class Fault(Exception):
    """Something that stops the course here; the message ends in what to do about it."""
