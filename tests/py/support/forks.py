"""What scripts that fork begin with."""

from __future__ import annotations

FORKS = """
import asyncio, http.client, logging, os, signal, socket, sys, threading, warnings
import pena
warnings.simplefilter("ignore")  # of newer Pythons, about forks beside threads
logging.getLogger("pena").setLevel(logging.ERROR)  # what is tried again is no news here
def fork(do):
    pid = os.fork()
    if pid == 0:
        signal.alarm(8)  # the end of one that hangs
        try:
            do()
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return pid
def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

SAME_NUMBER = """
import os
os.getpid = lambda: 7  # as of a parent and of a child that has a namespace of its own
"""
