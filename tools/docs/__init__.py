"""The documentation of Hugging Face's libraries, of Gradio, and of the Hub's own API."""
