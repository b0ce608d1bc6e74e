"""The Python package behind the course Optimization in Deep Learning."""
