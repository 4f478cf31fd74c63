"""One way to say what went wrong, in a sentence that a page can translate."""


class ExplainedError(Exception):
    """An error whose message is one plain sentence for the reader of a page.

    The template is the stable identity of the message (and the key of its translation); the values fill its
    ``{placeholders}``. ``str(error)`` is the English sentence.

    Attributes:
        template: The sentence with named ``str.format`` placeholders.
        values: What the placeholders stand for.
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return self.template.format(**self.values)
