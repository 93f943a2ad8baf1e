"""Against the daemon of BERTH_STATE; run by test/clients/python.test.ts."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import unittest

from berth import BerthError, Connection, ResourcePool, ResourcePoolCoordinator

GPUS = [
    {"id": "gpu-0", "type": "nvidia-v100", "memory": "16Gi"},
    {"id": "gpu-1", "type": "nvidia-v100", "memory": "16Gi"},
    {"id": "gpu-2", "type": "nvidia-a100", "memory": "40Gi"},
]


def pool(name: str, resources=None) -> ResourcePool:
    return ResourcePool(name=name, resources=resources or GPUS, allocation_strategy="best_fit")


def active_leases() -> int:
    return len(Connection().call("GET", "/api/v1/leases")["leases"])


class LeaseTest(unittest.TestCase):
    def tearDown(self) -> None:
        self.assertEqual(active_leases(), 0, "a test leaves no lease behind")

    def test_best_fit_gives_the_device_that_is_large_enough(self) -> None:
        async def use() -> str:
            async with pool("fit").request(gpu_memory="20Gi") as gpu:
                self.assertEqual(gpu.env["CUDA_VISIBLE_DEVICES"], "gpu-2")
                self.assertEqual(gpu.memory, 40 * 1024**3)
                return gpu.id

        self.assertEqual(asyncio.run(use()), "gpu-2")

    def test_a_small_request_leaves_the_large_device(self) -> None:
        with pool("small").request(gpu_memory="8Gi") as gpu:
            self.assertIn(gpu.id, ("gpu-0", "gpu-1"))

    def test_no_two_hold_one_device_and_all_have_their_turn(self) -> None:
        shared = pool("shared", [{"id": "only"}])
        inside = 0
        most = 0
        turns = 0
        guard = threading.Lock()

        async def worker() -> None:
            nonlocal inside, most, turns
            async with shared.request():
                with guard:
                    inside += 1
                    most = max(most, inside)
                await asyncio.sleep(0.01)
                with guard:
                    inside -= 1
                    turns += 1

        async def all_of_them() -> None:
            await asyncio.gather(*(worker() for _ in range(8)))

        asyncio.run(all_of_them())
        self.assertEqual((most, turns), (1, 8))

    def test_waiting_ends_with_why(self) -> None:
        busy = pool("busy", [{"id": "only"}])
        with busy.request():
            with self.assertRaisesRegex(TimeoutError, "GPU"):
                with busy.request(timeout=0.2):
                    self.fail("it is held by somebody else")

    def test_a_killed_holder_loses_it(self) -> None:
        frail = pool("frail", [{"id": "only"}])
        program = (
            "from berth import ResourcePool; import time\n"
            "with ResourcePool('frail').request(ttl='1s'):\n"
            "    print('held', flush=True); time.sleep(60)\n"
        )
        holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        try:
            assert holder.stdout is not None
            self.assertEqual(holder.stdout.readline(), b"held\n")
            with self.assertRaises(TimeoutError):
                with frail.request(timeout=1.5):
                    self.fail("it is renewed while its holder lives")
            os.kill(holder.pid, signal.SIGKILL)
            with frail.request(timeout=10) as device:
                self.assertEqual(device.id, "only")
        finally:
            holder.kill()
            holder.wait()
            if holder.stdout is not None:
                holder.stdout.close()

    def test_cancelling_the_wait_leaves_the_queue(self) -> None:
        slow = pool("slow", [{"id": "only"}])

        async def give_up() -> None:
            async def wait_for_it() -> None:
                async with slow.request():
                    self.fail("it is held by somebody else")

            waiting = asyncio.create_task(wait_for_it())
            while active_leases() < 2:
                await asyncio.sleep(0.01)
            waiting.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await waiting

        with slow.request():
            asyncio.run(give_up())
        # The thread that asked ends with its lease.
        with slow.request(timeout=30):
            pass

    def test_bad_requests_say_what_is_wrong(self) -> None:
        with self.assertRaises(BerthError) as caught:
            with pool("bad").request(gpu_memroy="20Gi"):
                pass
        self.assertEqual(caught.exception.code, "USAGE")
        with self.assertRaises(BerthError) as caught:
            with ResourcePool("nowhere").request():
                pass
        self.assertEqual(caught.exception.code, "NOT_FOUND")

    def test_131_agents_register_and_leave(self) -> None:
        with ResourcePoolCoordinator() as coordinator:
            for number in range(131):
                coordinator.register_agent(
                    f"agent_{number:03}",
                    {"cpu_cores": 0.01, "memory_mb": 4, "priority": 8, "gpu_memory_mb": 0},
                    timeout=30,
                )
            self.assertEqual(len(coordinator.agents), 131)
            self.assertEqual(active_leases(), 131)
            with self.assertRaises(ValueError):
                coordinator.register_agent("agent_000", {})
            with self.assertRaises(ValueError):
                coordinator.register_agent("agent_new", {"cpus": 2})


if __name__ == "__main__":
    unittest.main()
