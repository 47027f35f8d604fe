# cyclegan_summer2winter64.py with the scores of winter alone, for students of one direction.
_base_ = './cyclegan_summer2winter64.py'

val_evaluator = dict(metrics=[_base_.val_evaluator['metrics'][0]])
test_evaluator = dict(metrics=[_base_.test_evaluator['metrics'][0], _base_.test_evaluator['metrics'][2]])
