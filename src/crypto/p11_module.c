/* SPDX-License-Identifier: Apache-2.0 */
/* Finds, loads and initialises a PKCS #11 module. */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "crypto/p11.h"
#include "util/file.h"
#include "util/text.h"

#define DEFAULT_MODULE "opensc-pkcs11.so"

/* Where distributions put them; p11-kit's folder is .../pkcs11. */
static const char *const folders[] = {
	"/usr/lib/" HSMLIC_LIB_ARCH,
	"/usr/lib/" HSMLIC_LIB_ARCH "/pkcs11",
	"/usr/lib/" HSMLIC_LIB_ARCH "/softhsm",
	"/usr/lib64",
	"/usr/lib64/pkcs11",
	"/usr/lib",
	"/usr/lib/pkcs11",
	"/usr/lib/softhsm",
	"/usr/local/lib/pkcs11",
	"/usr/local/lib",
};

static hl_rc
not_there(const char *name, hl_err *err)
{
	hl_fail(err, HL_ENODEV, "load the PKCS #11 module",
	    strcmp(name, DEFAULT_MODULE) == 0
		? "install OpenSC (package opensc-pkcs11), or name the module "
		  "of the token's vendor by its path"
		: "name it by its path",
	    "\"%s\" is in none of the usual folders", name);
	return HL_ENODEV;
}

/* "opensc-pkcs11.so", "opensc-pkcs11", "softhsm2". */
static const struct shape {
	const char *before, *behind;
} shapes[] = { { "", "" }, { "", ".so" }, { "lib", ".so" } };

static hl_rc
find_named(const char *name, char *out, size_t size, hl_err *err)
{
	for (size_t i = 0; i < HL_COUNT(folders); i++) {
		for (size_t k = 0; k < HL_COUNT(shapes); k++) {
			const hl_rc rc =
			    hl_path(out, size, err, "%s/%s%s%s", folders[i],
				shapes[k].before, name, shapes[k].behind);

			if (rc != HL_OK || access(out, R_OK) == 0)
				return rc;
		}
	}
	return not_there(name, err);
}

static hl_rc
locate(hl_p11 *p, const char *module, const hl_p11_uri *uri, hl_err *err)
{
	if (module == NULL && uri->module_path[0] != '\0')
		module = uri->module_path;
	if (module == NULL && uri->module_name[0] != '\0')
		module = uri->module_name;
	if (module == NULL)
		module = DEFAULT_MODULE;
	if (strchr(module, '/') == NULL)
		return find_named(module, p->module, sizeof(p->module), err);
	return hl_path(p->module, sizeof(p->module), err, "%s", module);
}

static hl_rc
no_module(const hl_p11 *p, const char *why, hl_err *err)
{
	hl_fail(err, HL_ENODEV, "",
	    "name a PKCS #11 module that is there, for this machine's "
	    "processor",
	    "%s", why);
	hl_err_what(err, "load the PKCS #11 module \"%s\"", p->module);
	return HL_ENODEV;
}

/* Its function table, of a version that has all that is used here. */
static hl_rc
get_functions(hl_p11 *p, hl_err *err)
{
	CK_RV (*list)(CK_FUNCTION_LIST **) = NULL;
	void *symbol = dlsym(p->lib, "C_GetFunctionList");
	CK_FUNCTION_LIST *f = NULL;

	if (symbol == NULL)
		return no_module(
		    p, "it is a library, but no PKCS #11 module", err);
	memcpy(&list, &symbol, sizeof(list));
	if (list(&f) != CKR_OK || f == NULL)
		return no_module(p, "it gives no list of functions", err);
	if (f->version.major != 2 && f->version.major != 3)
		return no_module(
		    p, "it is of a version of PKCS #11 not known here", err);
	p->f = f;
	return HL_OK;
}

static hl_rc
initialise(hl_p11 *p, hl_err *err)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv = p->f->C_Initialize(&args);

	if (rv == CKR_CANT_LOCK)
		rv = p->f->C_Initialize(NULL);
	/* by another part of this process, which will end it as well */
	if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return HL_OK;
	if (rv != CKR_OK)
		return hl_p11_fail(p, rv, "get ready for", err);
	p->finalize = true;
	return HL_OK;
}

hl_rc
hl_p11_load(hl_p11 *p, const char *module, const hl_p11_uri *uri, hl_err *err)
{
	const char *why;
	hl_rc rc;

	if ((rc = locate(p, module, uri, err)) != HL_OK)
		return rc;
	/* Not unmapped before this process ends: modules leave threads and exit
	 * handlers behind, which would then run into nothing. */
	p->lib = dlopen(p->module, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (p->lib == NULL) {
		why = dlerror();
		return no_module(p, why != NULL ? why : "no reason given", err);
	}
	if ((rc = get_functions(p, err)) == HL_OK)
		rc = initialise(p, err);
	if (rc == HL_OK)
		rc = hl_p11_check_library(p, uri, err);
	return rc;
}
