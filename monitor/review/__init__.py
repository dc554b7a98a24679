"""What the DPO works with: page models, clocks, exports. Nothing here yet."""
