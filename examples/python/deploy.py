"""Deploys the branch main of my-app and waits for it: gitdev from Python, by ctypes alone.

GIT_API_KEY, GIT_API_URL and GIT_CA_FILE say as whom and where, LIBGITDEV where the library is if the system does not know.
Retries, pacing, deadlines and idempotency keys are the library's; what is here only says what to call.
"""
import ctypes as c
import json
import os
import time

TEXT, SIZE, P = c.c_char_p, c.c_size_t, c.c_void_p


class ClientOptions(c.Structure):  # the members are those of gitdev.h; what a newer one has behind them is zero: its default
    _fields_ = [("api_key", TEXT), ("base_url", TEXT), ("ca_file", TEXT), ("later", c.c_char * 512)]


class CallOptions(c.Structure):
    _fields_ = [("method", TEXT), ("path", TEXT), ("body", TEXT), ("body_len", SIZE), ("later", c.c_char * 512)]


class Result(c.Structure):
    _fields_ = [("status", c.c_int), ("type", TEXT), ("code", TEXT), ("message", TEXT), ("param", TEXT), ("request_id", TEXT),
                ("retryable", c.c_bool), ("body", P), ("body_len", SIZE)]


lib = c.CDLL(os.environ.get("LIBGITDEV", "libgitdev.so.0.1"))
lib.gitdev_now.restype = c.c_double
lib.gitdev_strerror.restype = TEXT
lib.gitdev_call_result.restype = c.POINTER(Result)
lib.gitdev_call_new.argtypes = [P, P, c.POINTER(CallOptions), c.c_double, P]
lib.gitdev_step.argtypes = [P, c.c_double]
for name in ("call_result", "call_free", "client_free", "engine_free", "loop_free"):
    getattr(lib, "gitdev_" + name).argtypes = [P]


class Git:
    def __init__(self):
        self.loop, self.engine, self.client, self.problem = P(), P(), P(), c.create_string_buffer(256)
        options = ClientOptions(*map(os.environb.get, (b"GIT_API_KEY", b"GIT_API_URL", b"GIT_CA_FILE")))
        try:
            self.check(lib.gitdev_loop_new(c.byref(self.loop)))
            self.check(lib.gitdev_engine_new(c.byref(self.engine), self.loop, None))
            self.check(lib.gitdev_client_new(c.byref(self.client), c.byref(options), self.problem))
        except RuntimeError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def check(self, code):
        if code != 0:
            raise RuntimeError(self.problem.value.decode() or lib.gitdev_strerror(code).decode())

    def call(self, method, path, body=None):
        call, text = P(), json.dumps(body).encode() if body is not None else None
        self.problem.value = b""
        options = CallOptions(method.encode(), path.encode(), text, len(text or b""))
        self.check(lib.gitdev_call_new(c.byref(call), self.client, c.byref(options), lib.gitdev_now(), self.problem))
        try:
            self.check(lib.gitdev_submit(self.engine, call, None, None))
            while not lib.gitdev_call_result(call):  # gitdev_perform() would not see Ctrl-C
                self.check(lib.gitdev_step(self.loop, -1))
            result = lib.gitdev_call_result(call).contents
            if result.type:
                request = f" ({result.request_id.decode()})" if result.request_id else ""
                raise RuntimeError(f"{result.type.decode()}: {result.message.decode()}{request}")
            return json.loads(c.string_at(result.body, result.body_len))
        finally:
            lib.gitdev_cancel(self.engine, call)
            lib.gitdev_call_free(call)

    def close(self):
        lib.gitdev_client_free(self.client)
        lib.gitdev_engine_free(self.engine)
        lib.gitdev_loop_free(self.loop)
        self.client = self.engine = self.loop = None


if __name__ == "__main__":
    with Git() as git:
        deployment = git.call("POST", "/deployments", {"project": "my-app", "branch": "main"})
        while deployment["status"] in ("queued", "building", "deploying"):
            time.sleep(0.25)
            deployment = git.call("GET", "/deployments/" + deployment["id"])
        print(deployment["status"], deployment["url"])
