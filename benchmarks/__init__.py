"""What Parlour promises about speed, measured: ``make bench``, explained in docs/PERFORMANCE.md."""
