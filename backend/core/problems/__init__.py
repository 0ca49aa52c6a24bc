"""Problems: networks on data, analytic functions, and differential equations."""
