from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler

from course_utils.prompt_connection import PromptConnection


def test_messages_are_not_held_back_once_the_browser_is_connected(monkeypatch):
    done = []

    class Handler(KernelWebsocketHandler):
        def __init__(self):
            pass

        def set_nodelay(self, value):
            done.append(("no delay", value))

    monkeypatch.setattr(
        ZMQChannelsWebsocketConnection, "connect", lambda self: done.append("connected")
    )
    PromptConnection(websocket_handler=Handler()).connect()
    assert done == [("no delay", True), "connected"]


def test_jupyters_server_takes_it_for_its_connections():
    name = f"{PromptConnection.__module__}.{PromptConnection.__qualname__}"
    server = ServerApp()
    server.load_config_environ()
    server.parse_command_line([f"--ServerApp.kernel_websocket_connection_class={name}"])
    assert server.kernel_websocket_connection_class is PromptConnection
