"""A web page on a trained model; needs gradio."""
