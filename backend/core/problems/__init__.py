"""Problems: networks on data, and analytic functions."""
