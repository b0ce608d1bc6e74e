"""The line between Jupyter's server and the browser, without its waits."""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection to a kernel, which sends each message at once.

    A slider's new picture is a few small messages in a row. TCP holds back the second of them until
    the browser has confirmed the first, which takes up to 40 milliseconds (Nagle's algorithm). The
    server asks its `kernel_websocket_connection_class` to connect; this one turns the waiting off.
    """

    def connect(self) -> Any:
        """Connect the browser to the kernel, as Jupyter does."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
