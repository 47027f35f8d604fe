"""How a distillation scales: messages, memory and time on many GPUs."""
