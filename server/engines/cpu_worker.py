"""vLLM's CPU worker with two faults mended: a seed no longer kills the engine, and an adapter
no longer costs several times the base (`cpu_lora.py`).

Loaded by vLLM itself (`--worker-cls`), in its worker process; nothing of ours imports it.

vLLM 0.32 reads a long prompt in steps, draws a token after each and rewinds the request's
generator when it throws that token away: `gen.set_offset(gen.get_offset() - 4)` in
`GPUModelRunner._bookkeeping_sync`. Only CUDA generators have an offset; on a CPU it raises
"CPU Generator does not use offset", and every request of the engine dies with it.
"""

import torch
from vllm.lora.request import LoRARequest
from vllm.platforms.cpu import CpuPlatform
from vllm.v1.worker.cpu_worker import CPUWorker

LORA = "server.engines.cpu_lora.GroupedPunica"


class RewindingGenerator(torch.Generator):
    """Tokens are thrown away only before the first one that is kept, so to rewind is to
    begin again: the same seed gives the same text however the prompt was cut into steps.
    """

    def get_offset(self) -> int:
        return 0

    def set_offset(self, offset: int) -> torch.Generator:  # noqa: ARG002
        return self.manual_seed(self.initial_seed())


class SeededCpuWorker(CPUWorker):
    def init_device(self) -> None:
        # The model runner makes its generators by this name; nobody else does in this process.
        torch.Generator = RewindingGenerator  # type: ignore[misc]
        CpuPlatform.get_punica_wrapper = classmethod(lambda _: LORA)  # type: ignore[method-assign, assignment]
        super().init_device()  # type: ignore[no-untyped-call]

    def add_lora(self, lora_request: LoRARequest) -> bool:
        _loaded_anew()
        return bool(super().add_lora(lora_request))

    def remove_lora(self, lora_id: int) -> bool:
        _loaded_anew()
        return bool(super().remove_lora(lora_id))


def _loaded_anew() -> None:
    from server.engines.cpu_lora import GroupedPunica

    GroupedPunica.loads += 1
