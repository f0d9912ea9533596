// The first module that the browser loads.
