"""The programs to begin with, as the editor shows them."""

SCALAR = """\
x = torch.tensor(2., requires_grad=True)
w = torch.tensor(-1.5, requires_grad=True)
y = w * x
loss = (y - 1) ** 2
loss.backward()
"""

CHAIN = """\
x = torch.ones(2, 2, requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()
out.backward()
print(x.grad)
"""

ACCUMULATE = """\
x = torch.tensor(3., requires_grad=True)
y = x ** 2
y.backward()
print(x.grad)
z = x ** 2
z.backward()
print(x.grad)
"""

ZERO_GRAD = """\
w = torch.tensor(0., requires_grad=True)
for step in range(6):
    loss = (w - 1) ** 2
    loss.backward()
    with torch.no_grad():
        w -= 0.4 * w.grad
    print(step, w.item(), w.grad.item())
"""

DETACH = """\
x = torch.tensor(2., requires_grad=True)
y = x ** 2
z = y.detach() * x
z.backward()
print(x.grad)
"""

NO_GRAD = """\
x = torch.tensor(2., requires_grad=True)
with torch.no_grad():
    y = x * 3
z = x * 5
print(y.requires_grad, z.requires_grad)
out = y * z
out.backward()
print(x.grad)
"""

NON_LEAF = """\
x = torch.tensor([1., 2.], requires_grad=True)
y = x * 2
out = (y ** 2).sum()
out.backward()
print(x.grad)
print(y.grad)
"""

RETAIN = """\
x = torch.tensor(2., requires_grad=True)
y = x ** 3
y.backward()
y.backward()
print(x.grad)
"""

IN_PLACE = """\
x = torch.tensor([0., 1.], requires_grad=True)
y = x.exp()
y += 1
out = y.sum()
out.backward()
"""

VJP = """\
x = torch.tensor([1., 2., 3.], requires_grad=True)
y = x ** 2
v = torch.tensor([1., 0.1, 0.01])
y.backward(gradient=v)
print(x.grad)
"""

LEAF_IN_PLACE = """\
w = torch.tensor([1., 2.], requires_grad=True)
loss = (w ** 2).sum()
loss.backward()
w -= 0.1 * w.grad
print(w)
"""

CONTROL_FLOW = """\
x = torch.randn(1, requires_grad=True)
y = x
count = 0
while y.abs() < 4:
    y = y * 2
    count += 1
if y > 0:
    out = y.sum()
else:
    out = (y * y).sum()
out.backward()
print(count, x.grad)
"""

SHARED = """\
w = torch.tensor(2., requires_grad=True)
x = torch.tensor(3.)
h = w * x
out = w * h
out.backward()
print(w.grad)
"""

RELU = """\
x = torch.tensor([-1., 0., 1.], requires_grad=True)
y = F.relu(x)
y.sum().backward()
print(x.grad)
"""

CLAMP = """\
x = torch.tensor([-2., 0.5, 3.], requires_grad=True)
y = x.clamp(0, 1)
loss = ((y - 0.2) ** 2).sum()
loss.backward()
print(x.grad)
"""

NETWORK = """\
x = torch.tensor([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
t = torch.tensor([[0.], [1.], [1.], [0.]])
w1 = torch.randn(2, 4, requires_grad=True)
b1 = torch.zeros(4, requires_grad=True)
w2 = torch.randn(4, 1, requires_grad=True)
b2 = torch.zeros(1, requires_grad=True)
params = [w1, b1, w2, b2]
for step in range(12):
    h = torch.tanh(x @ w1 + b1)
    y = h @ w2 + b2
    loss = F.mse_loss(y, t)
    loss.backward()
    with torch.no_grad():
        for p in params:
            p -= 0.3 * p.grad
            p.grad.zero_()
    print(step, loss.item())
"""

SECOND = """\
x = torch.tensor(2., requires_grad=True)
y = x ** 3
(dy,) = torch.autograd.grad(y, x, create_graph=True)
(d2y,) = torch.autograd.grad(dy, x)
print(dy, d2y)
"""

IOU = """\
a = torch.tensor([0., 0., 2., 2.], requires_grad=True)
b = torch.tensor([3., 3., 5., 5.])
left_top = torch.maximum(a[:2], b[:2])
right_bottom = torch.minimum(a[2:], b[2:])
size = (right_bottom - left_top).clamp(min=0)
inter = size[0] * size[1]
area_a = (a[2] - a[0]) * (a[3] - a[1])
area_b = (b[2] - b[0]) * (b[3] - b[1])
iou = inter / (area_a + area_b - inter)
loss = 1 - iou
loss.backward()
print(iou, a.grad)
"""
