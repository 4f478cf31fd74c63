// What the page brings beside the pieces; only for the type check.

interface Window {
  /** plotly.js, once it is loaded. */
  Plotly?: any;
}
