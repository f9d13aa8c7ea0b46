"""One process a GPU: who am I, which device, and the few exchanges that training needs.

Started by `python -m torch.distributed.run --nproc_per_node N -m mtag_core ...`; started plainly, a
run is its own only process.
"""

import os
from collections.abc import Iterable

import torch
from torch import Tensor, distributed, nn


def start() -> torch.device:
    """Joins the process group, when there is one, and gives this process its device."""
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    has_gpu = torch.cuda.is_available()
    device = torch.device("cuda", local_rank) if has_gpu else torch.device("cpu")
    if has_gpu:
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")
        # cuDNN's attention plans anew for each shape of a batch, which takes longer than training.
        torch.backends.cuda.enable_cudnn_sdp(False)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if has_gpu else "gloo")
    return device


def rank() -> int:
    """This process' number, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def n_ranks() -> int:
    """Number of processes."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def average_gradients(weights: Iterable[Tensor]) -> None:
    """Replaces each weight's gradient by its mean over the processes."""
    if n_ranks() == 1:
        return
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    pending = [distributed.all_reduce(gradient, async_op=True) for gradient in gradients]
    for work in pending:
        work.wait()
    torch._foreach_div_(gradients, n_ranks())


def share_weights(model: nn.Module) -> None:
    """Gives every process the weights of process 0."""
    if n_ranks() > 1:
        for tensor in model.state_dict().values():
            distributed.broadcast(tensor.data, 0)


def agree(value: float, device: torch.device) -> float:
    """Gives every process the value of process 0."""
    if n_ranks() == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64, device=device)
    distributed.broadcast(shared, 0)
    return float(shared)


def wait_for_all() -> None:
    """Returns when every process has come here."""
    if n_ranks() > 1:
        distributed.barrier()
