"""Our CPU worker with vLLM's own LoRA path put back: the peer of `bench/lora.py`."""

from vllm.platforms.cpu import CpuPlatform

from server.engines.cpu_worker import SeededCpuWorker

STOCK = CpuPlatform.get_punica_wrapper


class StockLoraWorker(SeededCpuWorker):
    def init_device(self) -> None:
        super().init_device()
        CpuPlatform.get_punica_wrapper = STOCK  # type: ignore[method-assign]
